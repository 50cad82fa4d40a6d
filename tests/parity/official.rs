//! A checkpoint as the original release packs it gives the weights that it was made of.

use sa3::config::ModelConfig;
use sa3::model::ImageModel;
use sa3::weights::names::Layout;
use sa3::weights::{Checkpoint, TensorSource};
use tch::{Device, Kind};

use crate::counter_hash::HashedWeights;
use crate::fixtures::{Fixtures, folder};

#[test]
fn every_tensor_is_the_one_it_was_made_of() {
    let config = std::fs::read_to_string(folder().join("configs/smallest.json")).unwrap();
    let config = ModelConfig::from_json(&config).unwrap();
    let checkpoint = Checkpoint::open(&folder().join("data/official.pt")).unwrap();
    assert_eq!(checkpoint.layout(), Layout::Official);
    let made_of = HashedWeights::new(Fixtures::read().weight_rules, [].into(), &config);
    assert!(made_of.names().len() > 200);
    for name in made_of.names() {
        let expected = made_of.read(&name).unwrap().to_kind(Kind::BFloat16);
        assert_eq!(checkpoint.shape(&name).unwrap(), expected.size(), "{name}");
        assert!(checkpoint.read(&name).unwrap().equal(&expected), "{name}");
    }
    ImageModel::load(&checkpoint, &config, Device::Cpu, Kind::Float).unwrap();
}
