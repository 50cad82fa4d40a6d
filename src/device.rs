//! Where and in what precision the model runs, from the text of the `device` and `precision` properties.

mod cuda_library;

use std::fmt;
use std::str::FromStr;

use tch::{Device, Kind};

use crate::error::Error;

/// The `device` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// CUDA when it is there, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// One CUDA device by index.
    Cuda(usize),
}

/// The `precision` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrecisionChoice {
    /// What is fastest on the device without visible loss.
    #[default]
    Auto,
    /// 32-bit floating point throughout.
    Fp32,
    /// bfloat16 with the islands of 32 bits that the model needs.
    Bf16,
    /// 16-bit floating point, CUDA only.
    Fp16,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "" | "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            other => {
                other.strip_prefix("cuda:").and_then(|index| index.parse().ok()).map(Self::Cuda).ok_or_else(|| {
                    Error::Setting {
                        property: "device",
                        value: text.into(),
                        cause: "it is not a device".into(),
                        remedy: "Use auto, cpu, cuda or cuda:N".into(),
                    }
                })
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for PrecisionChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text.trim() {
            "" | "auto" => Self::Auto,
            "fp32" => Self::Fp32,
            "bf16" => Self::Bf16,
            "fp16" => Self::Fp16,
            other => {
                return Err(Error::Setting {
                    property: "precision",
                    value: other.into(),
                    cause: "it is not a precision".into(),
                    remedy: "Use auto, fp32, bf16 or fp16".into(),
                });
            }
        })
    }
}

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        })
    }
}

/// What was really chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse<T> {
    /// The choice.
    pub value: T,
    /// The choice and its reason in words.
    pub description: String,
}

impl DeviceChoice {
    /// The device to run on.
    ///
    /// # Errors
    /// [`Error::Setting`] when a CUDA device was asked for that is not there.
    pub fn resolve(self) -> Result<InUse<Device>, Error> {
        if self != Self::Cpu {
            cuda_library::load_if_installed();
        }
        let count = if self == Self::Cpu { 0 } else { tch::Cuda::device_count() };
        let missing = |cause: String| Error::Setting {
            property: "device",
            value: self.to_string(),
            cause,
            remedy: "Use device=cpu or auto; for CUDA install the NVIDIA driver and run `cargo xtask setup` again"
                .into(),
        };
        match self {
            Self::Cpu => Ok(InUse { value: Device::Cpu, description: "cpu".into() }),
            Self::Auto if count > 0 => {
                Ok(InUse { value: Device::Cuda(0), description: "cuda:0 (auto: first CUDA device)".into() })
            }
            Self::Auto => Ok(InUse { value: Device::Cpu, description: "cpu (auto: no CUDA device)".into() }),
            Self::Cuda(_) if count <= 0 => Err(missing("this machine offers no CUDA device".into())),
            Self::Cuda(index) if index as i64 >= count => {
                Err(missing(format!("this machine has CUDA devices 0 to {}", count - 1)))
            }
            Self::Cuda(index) => Ok(InUse { value: Device::Cuda(index), description: self.to_string() }),
        }
    }
}

impl PrecisionChoice {
    /// The precision to run in on `device`.
    ///
    /// # Errors
    /// [`Error::Setting`] for fp16 on the CPU, which has no fast kernels for it.
    pub fn resolve(self, device: Device) -> Result<InUse<Kind>, Error> {
        let in_use = |value: Kind, description: &str| Ok(InUse { value, description: description.into() });
        match self {
            Self::Fp32 => in_use(Kind::Float, "fp32"),
            Self::Bf16 => in_use(Kind::BFloat16, "bf16"),
            Self::Fp16 if device == Device::Cpu => Err(Error::Setting {
                property: "precision",
                value: self.to_string(),
                cause: "fp16 needs a CUDA device".into(),
                remedy: "Use precision=auto, bf16 or fp32 on the CPU".into(),
            }),
            Self::Fp16 => in_use(Kind::Half, "fp16"),
            Self::Auto if device != Device::Cpu => in_use(Kind::BFloat16, "bf16 (auto: CUDA)"),
            Self::Auto if cpu_multiplies_bf16() => in_use(Kind::BFloat16, "bf16 (auto: the CPU has AMX)"),
            Self::Auto if cpu_has("avx512_bf16") => in_use(Kind::BFloat16, "bf16 (auto: the CPU has AVX512-BF16)"),
            Self::Auto => in_use(Kind::Float, "fp32 (auto: the CPU has no fast bf16)"),
        }
    }
}

/// True when the CPU has matrix units for bf16.
pub(crate) fn cpu_multiplies_bf16() -> bool {
    cpu_has("amx_bf16")
}

/// One of the names that Linux has for what a CPU can do. Without one for bf16, bf16 is slower than fp32.
fn cpu_has(feature: &str) -> bool {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    cpuinfo.lines().any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_text_goes_round() {
        for text in ["auto", "cpu", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        assert!("gpu".parse::<DeviceChoice>().unwrap_err().to_string().contains("cuda:N"));
    }

    #[test]
    fn precision_text_goes_round() {
        for text in ["auto", "fp32", "bf16", "fp16"] {
            assert_eq!(text.parse::<PrecisionChoice>().unwrap().to_string(), text);
        }
        assert!("int8".parse::<PrecisionChoice>().is_err());
    }

    #[test]
    fn impossible_choices_name_the_remedy() {
        let error = PrecisionChoice::Fp16.resolve(Device::Cpu).unwrap_err().to_string();
        assert!(error.contains("bf16"), "{error}");
        let beyond = DeviceChoice::Cuda(9_999).resolve().unwrap_err().to_string();
        assert!(beyond.contains("device=cpu"), "{beyond}");
        assert_eq!(DeviceChoice::Cpu.resolve().unwrap().value, Device::Cpu);
    }
}
