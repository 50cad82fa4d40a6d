//! A checkpoint as the original release packs it gives the weights that it was made of.

use sa3::config::ModelConfig;
use sa3::frame::RgbPicture;
use sa3::model::ImageModel;
use sa3::prompt::Prompt;
use sa3::weights::names::Layout;
use sa3::weights::{Checkpoint, TensorSource};
use sa3::{Engine, EngineSettings, SegmentRequest};
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

#[test]
fn an_engine_runs_on_it() {
    let model = std::env::temp_dir().join(format!("sa3-official-{}", std::process::id()));
    std::fs::create_dir_all(&model).unwrap();
    let parity = folder();
    for (from, to) in [
        ("data/official.pt", "sam3.pt"),
        ("configs/smallest.json", "config.json"),
        ("../fuzz/corpus/tokenizer/ok-small.json", "tokenizer.json"),
    ] {
        std::fs::copy(parity.join(from), model.join(to)).unwrap();
    }
    let settings = EngineSettings { model: model.to_string_lossy().into(), ..EngineSettings::default() };
    let engine = Engine::load(&settings, &mut |_| {}).unwrap();
    assert_eq!(engine.info().native_size, 56);
    let picture = RgbPicture { width: 64, height: 48, rgb: vec![90; 3 * 64 * 48] };
    let request =
        SegmentRequest { prompts: Prompt::list_from_text("ab"), threshold: Some(0.0), ..SegmentRequest::default() };
    let objects = engine.segment(picture, request).unwrap().objects.items;
    assert_eq!(objects.len(), 4, "one for each query");
    assert!(objects.iter().all(|object| object.score.is_finite()));
    std::fs::remove_dir_all(model).unwrap();
}
