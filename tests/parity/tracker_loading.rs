//! A tracker is complete or not there, and nobody else minds either way.

use sa3::Result;
use sa3::config::ModelConfig;
use sa3::model::ImageModel;
use sa3::tracker::Tracker;
use sa3::weights::TensorSource;
use tch::{Device, Kind, Tensor};

use crate::counter_hash::HashedWeights;
use crate::tracker::{TrackerFixtures, config_of, weights_of};

/// Which tensors are not there, by their names.
type Lacks = fn(&str) -> bool;

/// A checkpoint that lacks some of its tensors.
struct Without<'a> {
    weights: &'a HashedWeights,
    lacks: Lacks,
}

impl TensorSource for Without<'_> {
    fn names(&self) -> Vec<String> {
        self.weights.names().into_iter().filter(|name| !(self.lacks)(name)).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.weights.shape(name).filter(|_| !(self.lacks)(name))
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        self.weights.read(name)
    }
}

#[test]
fn a_tracker_is_complete_or_absent_and_the_detector_loads_beside_it() {
    let fixtures = TrackerFixtures::read();
    let config = config_of("configs/tiny_video.json");
    let weights = weights_of(&config, &fixtures.overrides);
    let detector = |source: &dyn TensorSource| ImageModel::load(source, &config, Device::Cpu, Kind::Float).map(|_| ());
    let tracker = |source: &dyn TensorSource| Tracker::load(source, &config, Device::Cpu, Kind::Float);
    let without = |lacks| Without { weights: &weights, lacks };
    detector(&weights).unwrap();
    assert!(tracker(&weights).unwrap().is_some());

    let alone = without(|name| name.starts_with("tracker"));
    detector(&alone).unwrap();
    assert!(tracker(&alone).unwrap().is_none());
    // The release's detector has both necks.
    let with_neck = without(|name| name.starts_with("tracker_model"));
    detector(&with_neck).unwrap();
    assert!(tracker(&with_neck).unwrap().is_none());

    let refused: [(Lacks, &str); 4] = [
        (|name| name.starts_with("tracker_neck"), "tracker_neck.fpn_layers.0"),
        (|name| name == "tracker_model.no_object_pointer", "1 missing (tracker_model.no_object_pointer [1, 128])"),
        (|name| name.contains("memory_encoder"), "tracker_model.memory_encoder"),
        (
            |name| name.starts_with("tracker_model") || name == "tracker_neck.fpn_layers.1.proj2.bias",
            "tracker_neck.fpn_layers.1.proj2.bias",
        ),
    ];
    for (lacks, named) in refused {
        let part = without(lacks);
        detector(&part).unwrap();
        let error = tracker(&part).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
        assert!(error.contains("complete or absent"), "{error}");
    }
}

#[test]
fn a_configuration_without_a_tracker_has_none_whatever_the_file_holds() {
    let fixtures = TrackerFixtures::read();
    let config = config_of("configs/tiny_video.json");
    let weights = weights_of(&config, &fixtures.overrides);
    let image = ModelConfig { tracker: None, ..config };
    ImageModel::load(&weights, &image, Device::Cpu, Kind::Float).unwrap();
    assert!(Tracker::load(&weights, &image, Device::Cpu, Kind::Float).unwrap().is_none());
}
