//! Strict loading: every tensor the model wants, at its shape, or nothing.
//!
//! Modules ask a [`Loader`] for tensors by their checkpoint names while they are built. What is missing or has the
//! wrong shape is collected, not thrown, so that one report names everything; [`load`] then decides, before
//! anybody sees the model. A module's sub-path appears once, in its `new`.

pub mod agreement;
mod bundled;
mod bytes;
pub mod checkpoint;
mod component;
pub mod names;
mod placed;
mod report;
mod safetensors_file;
mod shards;
mod stored;
mod torch_file;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tch::{Device, Kind, Tensor};

pub use bundled::bundled;
pub use checkpoint::Checkpoint;
pub use component::{Component, OfComponent};
pub use report::LoadReport;

use crate::error::{Error, Result};

/// Tensors by name, wherever they are kept.
pub trait TensorSource {
    /// Every name, in the layout without prefixes (`vision_encoder.…`).
    fn names(&self) -> Vec<String>;
    /// Shape of one tensor, `None` when there is none of that name.
    fn shape(&self, name: &str) -> Option<Vec<i64>>;
    /// The tensor on the CPU, in the precision of the file.
    ///
    /// # Errors
    /// When the element type cannot be used for weights.
    fn read(&self, name: &str) -> Result<Tensor>;
    /// Copies the tensor to `target`, which has its shape, in the precision and on the device of `target`. A source
    /// whose tensors already lie in memory copies them from there, so that each is in memory once.
    ///
    /// # Errors
    /// As [`TensorSource::read`].
    fn copy_to(&self, name: &str, target: &mut Tensor) -> Result<()> {
        target.copy_(&self.read(name)?);
        Ok(())
    }
}

struct Ledger {
    used: BTreeSet<String>,
    report: LoadReport,
}

/// Hands out tensors below one prefix.
pub struct Loader<'a> {
    source: &'a dyn TensorSource,
    ledger: &'a RefCell<Ledger>,
    prefix: String,
    device: Device,
    kind: Kind,
}

/// Builds something from `source` on `device` in `kind`, strictly.
///
/// # Errors
/// [`Error::Weights`] with everything missing, unexpected and mismatched.
pub fn load<T>(
    source: &dyn TensorSource,
    device: Device,
    kind: Kind,
    build: impl FnOnce(&Loader<'_>) -> Result<T>,
) -> Result<T> {
    let ledger = RefCell::new(Ledger { used: BTreeSet::new(), report: LoadReport::default() });
    let built = build(&Loader { source, ledger: &ledger, prefix: String::new(), device, kind })?;
    let Ledger { used, mut report } = ledger.into_inner();
    report.unexpected = source.names().into_iter().filter(|name| !used.contains(name)).collect();
    report.suggest(&source.names());
    if report.is_clean() { Ok(built) } else { Err(Error::Weights { report: report.to_string() }) }
}

/// The same for a part of what `source` holds: what the part does not ask for is not looked at.
///
/// # Errors
/// [`Error::Weights`] with everything missing and mismatched.
pub fn load_part<T>(
    source: &dyn TensorSource,
    device: Device,
    kind: Kind,
    build: impl FnOnce(&Loader<'_>) -> Result<T>,
) -> Result<T> {
    load(source, device, kind, |loader| {
        loader.ignore_all();
        build(loader)
    })
}

/// Every tensor that `build` asks for, with its shape.
///
/// # Errors
/// Those of `build`.
pub fn wanted<T>(build: impl FnOnce(&Loader<'_>) -> Result<T>) -> Result<BTreeMap<String, Vec<i64>>> {
    let ledger = RefCell::new(Ledger { used: BTreeSet::new(), report: LoadReport::default() });
    let (prefix, device, kind) = (String::new(), Device::Cpu, Kind::Float);
    build(&Loader { source: &Nothing, ledger: &ledger, prefix, device, kind })?;
    Ok(ledger.into_inner().report.missing.into_iter().collect())
}

/// A source without any tensor.
struct Nothing;

impl TensorSource for Nothing {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self, _: &str) -> Option<Vec<i64>> {
        None
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        Err(Error::Weights { report: format!("{name} missing") })
    }
}

impl<'a> Loader<'a> {
    /// The same tensors below `name`, a dotted path.
    pub fn sub(&self, name: &str) -> Self {
        Self { prefix: self.path(name), ..*self }
    }

    /// The `index`th entry of a numbered list.
    pub fn at(&self, index: i64) -> Self {
        self.sub(&index.to_string())
    }

    /// The same tensors in another precision.
    pub fn in_kind(&self, kind: Kind) -> Self {
        Self { prefix: self.prefix.clone(), kind, ..*self }
    }

    /// True when layers in this precision, where the tensors go, run on our own kernels.
    pub(crate) fn uses_kernels(&self) -> bool {
        crate::kernels::are_for(self.kind, self.device)
    }

    /// Where the tensors go.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The tensor `name` of exactly `shape`; zeros, and a line in the report, when the file has none.
    ///
    /// # Errors
    /// When the file's element type cannot be used.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let path = self.path(name);
        let found = self.source.shape(&path);
        let mut ledger = self.ledger.borrow_mut();
        match found {
            Some(found) if found == shape => {
                ledger.used.insert(path.clone());
                drop(ledger);
                let mut tensor = Tensor::empty(shape, (self.kind, self.device));
                self.source.copy_to(&path, &mut tensor)?;
                return Ok(tensor);
            }
            Some(found) => {
                ledger.used.insert(path.clone());
                ledger.report.mismatched.push((path, shape.to_vec(), found));
            }
            None => ledger.report.missing.push((path, shape.to_vec())),
        }
        Ok(Tensor::zeros([1], (self.kind, self.device)).expand(shape, false))
    }

    /// Accepts `name`, which the file may have and the model does not use.
    pub fn ignore(&self, name: &str) {
        self.ledger.borrow_mut().used.insert(self.path(name));
    }

    fn ignore_all(&self) {
        self.ledger.borrow_mut().used.extend(self.source.names());
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;

    impl TensorSource for Two {
        fn names(&self) -> Vec<String> {
            vec!["neck.proj.weight".into(), "neck.proj.bais".into()]
        }

        fn shape(&self, name: &str) -> Option<Vec<i64>> {
            self.names().contains(&name.to_string()).then(|| vec![2, 3])
        }

        fn read(&self, _: &str) -> Result<Tensor> {
            Ok(Tensor::ones([2, 3], (Kind::Half, Device::Cpu)))
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let error = load(&Two, Device::Cpu, Kind::Float, |loader| {
            let proj = loader.sub("neck").sub("proj");
            Ok([proj.tensor("weight", &[3, 3])?, proj.tensor("bias", &[2, 3])?])
        })
        .unwrap_err()
        .to_string();
        for part in ["neck.proj.weight", "[3, 3]", "[2, 3]", "missing", "neck.proj.bias", "neck.proj.bais"] {
            assert!(error.contains(part), "{part} not in {error}");
        }
    }

    #[test]
    fn a_complete_load_converts_the_precision() {
        let tensor = load(&Two, Device::Cpu, Kind::Float, |loader| {
            loader.ignore("neck.proj.bais");
            loader.tensor("neck.proj.weight", &[2, 3])
        })
        .unwrap();
        assert_eq!((tensor.kind(), tensor.size()), (Kind::Float, vec![2, 3]));
    }
}
