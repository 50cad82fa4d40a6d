//! The `Requires-Dist` lines of a wheel's METADATA, and which wheel file answers one.

/// One line such as `nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// Package name in its normal form: lower case, words joined by `-`.
    pub name: String,
    /// Extras asked of that package: `cudart`, `cupti` of `cuda-toolkit[cudart,cupti]`.
    pub extras: Vec<String>,
    /// Version rule: `==13.0.96.*`; empty when any version will do.
    pub rule: String,
    marker: String,
}

impl Requirement {
    /// A requirement of exactly this version.
    pub fn exactly(name: &str, version: &str) -> Self {
        Self { name: normal(name), extras: vec![], rule: format!("=={version}"), marker: String::new() }
    }

    /// Parses what follows `Requires-Dist:`.
    pub fn parse(line: &str) -> Self {
        let (package, marker) = line.split_once(';').unwrap_or((line, ""));
        let name_end =
            package.find(|c: char| !(c.is_ascii_alphanumeric() || "-_. ".contains(c))).unwrap_or(package.len());
        let (name, rest) = package.split_at(name_end);
        let (extras, rule) = match rest.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((extras, rule)) => (extras.split(',').map(|extra| extra.trim().to_owned()).collect(), rule),
            None => (vec![], rest),
        };
        let rule = rule.replace(['(', ')', ' '], "");
        Self { name: normal(name), extras, rule, marker: marker.trim().replace('"', "'") }
    }

    /// All requirements of a METADATA text.
    pub fn all(metadata: &str) -> Vec<Self> {
        let header = metadata.split("\n\n").next().unwrap_or_default();
        header.lines().filter_map(|line| line.strip_prefix("Requires-Dist:")).map(Self::parse).collect()
    }

    /// Whether the requirement holds on Linux when these extras of its owner are wanted.
    pub fn applies(&self, extras_wanted: &[String]) -> bool {
        let other_system = ["win32", "Windows", "darwin", "Darwin"].iter().any(|system| self.marker.contains(system));
        let linux = self.marker.contains("linux") || self.marker.contains("Linux");
        let extra = self.marker.split("extra ==").nth(1).and_then(|rest| rest.split('\'').nth(1));
        (linux || !other_system) && extra.is_none_or(|extra| extras_wanted.iter().any(|wanted| wanted == extra))
    }

    /// Whether a wheel of this file name answers the requirement.
    pub fn is_met_by(&self, file_name: &str) -> bool {
        let Some(stem) = file_name.strip_suffix(".whl") else {
            return false;
        };
        let mut parts = stem.split('-');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
            return false;
        };
        normal(name) == self.name && self.allows(version.split('+').next().unwrap_or_default())
    }

    fn allows(&self, version: &str) -> bool {
        match self.rule.strip_prefix("==") {
            None => self.rule.is_empty(),
            Some(exact) => match exact.strip_suffix(".*") {
                None => version == exact,
                Some(series) => version == series || version.starts_with(&format!("{series}.")),
            },
        }
    }

    /// The requirement as pip takes it; extras and markers are left out, because each wheel is fetched alone.
    pub fn for_pip(&self) -> String {
        format!("{}{}", self.name, self.rule)
    }
}

fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORCH: &str = "Metadata-Version: 2.1
Name: torch
Requires-Dist: typing-extensions>=4.10.0
Requires-Dist: cuda-toolkit[cublas,cudart,cupti]==13.0.2; platform_system == \"Linux\"
Requires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == \"Linux\"
Requires-Dist: optree>=0.13.0; extra == \"optree\"

Requires-Dist: in-the-description
";

    fn names(requirements: &[Requirement], extras: &[&str]) -> Vec<String> {
        let extras: Vec<_> = extras.iter().map(|extra| (*extra).to_owned()).collect();
        requirements.iter().filter(|one| one.applies(&extras)).map(|one| one.name.clone()).collect()
    }

    #[test]
    fn metadata_ends_at_the_description_and_extras_wait_to_be_asked() {
        let all = Requirement::all(TORCH);
        assert_eq!(names(&all, &[]), ["typing-extensions", "cuda-toolkit", "nvidia-cudnn-cu13"]);
        assert_eq!(names(&all, &["optree"]).last().unwrap(), "optree");
        assert_eq!(all[1].extras, ["cublas", "cudart", "cupti"]);
        assert_eq!(all[1].for_pip(), "cuda-toolkit==13.0.2");
    }

    #[test]
    fn the_toolkit_names_the_wheel_behind_an_extra() {
        let line = "nvidia-cuda-runtime==13.0.96.*; (sys_platform == 'linux' or sys_platform == 'win32') and extra == 'cudart'";
        let runtime = Requirement::parse(line);
        assert!(runtime.applies(&["cudart".to_owned()]));
        assert!(!runtime.applies(&["cupti".to_owned()]));
        assert_eq!(runtime.for_pip(), "nvidia-cuda-runtime==13.0.96.*");
    }

    #[test]
    fn what_other_systems_need_does_not_apply() {
        assert!(!Requirement::parse("pywin32; sys_platform == 'win32'").applies(&[]));
        assert!(Requirement::parse("x; sys_platform == 'linux' or sys_platform == 'win32'").applies(&[]));
    }

    #[test]
    fn old_style_parentheses_are_understood() {
        let old = Requirement::parse(" Foo_Bar (>=1.2) ");
        assert_eq!((old.name.as_str(), old.rule.as_str()), ("foo-bar", ">=1.2"));
    }

    #[test]
    fn a_wheel_answers_by_name_and_version() {
        let runtime = Requirement::parse("nvidia-cuda-runtime==13.0.96.*");
        assert!(runtime.is_met_by("nvidia_cuda_runtime-13.0.96-py3-none-manylinux1_x86_64.whl"));
        assert!(!runtime.is_met_by("nvidia_cuda_runtime-13.0.960-py3-none-manylinux1_x86_64.whl"));
        assert!(!runtime.is_met_by("nvidia_cuda_cupti-13.0.96-py3-none-manylinux1_x86_64.whl"));
        assert!(!runtime.is_met_by("nvidia_cuda_runtime-13.0.96-py3-none-any.whl.part"));
        let torch = Requirement::exactly("torch", "2.11.0");
        assert!(torch.is_met_by("torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl"));
        assert!(torch.is_met_by("torch-2.11.0+cpu-cp311-cp311-linux_x86_64.whl"));
        assert!(!torch.is_met_by("torch-2.11.1-cp311-cp311-manylinux_2_28_x86_64.whl"));
    }
}
