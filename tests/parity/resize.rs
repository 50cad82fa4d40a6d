//! The resize against torchvision's on 8-bit pictures.

use sa3::frame::preprocess::resize;
use tch::{Kind, Tensor};

use crate::counter_hash;
use crate::fixtures::{Data, Fixtures};

#[test]
fn pictures_shrink_and_grow_as_in_torchvision() {
    let cases = Fixtures::read().resize;
    let data = Data::read(&cases.data);
    let limit = if is_x86_feature_detected!("avx2") { cases.max_levels_with_avx2 } else { cases.max_levels };
    assert!(!cases.cases.is_empty());
    for case in &cases.cases {
        let rgb = counter_hash::picture(case.width, case.height);
        let shape = [1, case.height as i64, case.width as i64, 3];
        let picture = Tensor::from_data_size(&rgb, &shape, Kind::Uint8).permute([0, 3, 1, 2]);
        let ours = resize(&picture, case.side).get(0).to_kind(Kind::Int64);
        let stored = data.get(&case.key).unwrap().to_kind(Kind::Int64);
        let worst = (ours - stored).abs().max().int64_value(&[]);
        assert!(worst <= limit, "{}: {worst} levels", case.key);
    }
}
