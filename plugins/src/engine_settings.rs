//! `model`, `device` and `precision`: declared once for all elements that own an engine.

use std::str::FromStr;

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::{EngineSettings, Result};

/// The `precision` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3Precision")]
#[repr(i32)]
pub enum Precision {
    /// What is fastest on the device without visible loss.
    #[default]
    #[enum_value(name = "Fastest on the device without visible loss", nick = "auto")]
    Auto,
    /// 32-bit floating point.
    #[enum_value(name = "32-bit floating point", nick = "fp32")]
    Fp32,
    /// bfloat16 where the model allows it.
    #[enum_value(name = "bfloat16 where the model allows it, 32-bit elsewhere", nick = "bf16")]
    Bf16,
    /// 16-bit floating point.
    #[enum_value(name = "16-bit floating point, CUDA only", nick = "fp16")]
    Fp16,
}

impl From<Precision> for PrecisionChoice {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Auto => Self::Auto,
            Precision::Fp32 => Self::Fp32,
            Precision::Bf16 => Self::Bf16,
            Precision::Fp16 => Self::Fp16,
        }
    }
}

/// What the user asked for, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineProperties {
    model: String,
    device: String,
    precision: Precision,
}

impl Default for EngineProperties {
    fn default() -> Self {
        Self { model: "nano".into(), device: "auto".into(), precision: Precision::Auto }
    }
}

impl EngineProperties {
    /// The three properties, for an element's list.
    pub(crate) fn specs() -> Vec<ParamSpec> {
        let default = EngineProperties::default();
        vec![
            glib::ParamSpecString::builder("model")
                .nick("Model")
                .blurb(
                    "The model to run: nano (small, bundled), test (artificial: moving discs, for trying a \
                         pipeline), the path of a checkpoint's directory (safetensors, in one file or in shards) or \
                         file (sam3.pt, model.safetensors), or owner/name in the Hugging Face cache (facebook/sam3)",
                )
                .default_value(Some(default.model.as_str()))
                .mutable_ready()
                .build(),
            glib::ParamSpecString::builder("device")
                .nick("Device")
                .blurb("Where to run the model: auto (CUDA when it is there, otherwise the CPU), cpu, cuda or cuda:N")
                .default_value(Some(default.device.as_str()))
                .mutable_ready()
                .build(),
            glib::ParamSpecEnum::builder_with_default("precision", default.precision)
                .nick("Precision")
                .blurb("Number format of the model's arithmetic: less is faster and needs less memory")
                .mutable_ready()
                .build(),
        ]
    }

    /// Sets the property `name`; false when it is none of these.
    pub(crate) fn set(&mut self, name: &str, value: &Value) -> bool {
        let default = Self::default();
        match name {
            "model" => self.model = text(value).unwrap_or(default.model),
            "device" => self.device = text(value).unwrap_or(default.device),
            "precision" => self.precision = value.get().unwrap_or_default(),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`; `None` when it is none of these.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "model" => self.model.to_value(),
            "device" => self.device.to_value(),
            "precision" => self.precision.to_value(),
            _ => return None,
        })
    }

    /// What to load.
    ///
    /// # Errors
    /// When `device` is not a device.
    pub(crate) fn to_settings(&self) -> Result<EngineSettings> {
        Ok(EngineSettings {
            model: self.model.clone(),
            device: DeviceChoice::from_str(&self.device)?,
            precision: self.precision.into(),
        })
    }
}

/// The text of a string property; `None` for NULL and for nothing but white space.
fn text(value: &Value) -> Option<String> {
    value.get::<Option<String>>().ok().flatten().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_means_the_default_and_a_wrong_device_is_named() {
        let mut properties = EngineProperties::default();
        assert!(properties.set("model", &"test".to_value()) && properties.set("device", &"gpu".to_value()));
        assert!(properties.to_settings().unwrap_err().to_string().contains("cuda:N"));
        assert!(properties.set("model", &None::<String>.to_value()) && properties.set("device", &"cpu".to_value()));
        assert_eq!(properties.to_settings().unwrap().model, "nano");
        assert!(!properties.set("prompt", &"dog".to_value()) && properties.get("prompt").is_none());
    }
}
