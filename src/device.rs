//! Where and in what precision the model runs, from the text of the `device` and `precision` properties.

use std::fmt;
use std::str::FromStr;

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
}
