//! Inner loops compiled twice: for every processor of the architecture, and for wide vectors where there are any.
//!
//! The loops are plain Rust over arrays and slices that the compiler turns into vector instructions. For x86-64 it may
//! count on 16-byte vectors only; with AVX2, which is asked for at run time, the same loops take 32 bytes and have
//! rounding, blending and lane permutations in one instruction each. Nothing is reordered or fused between the two, so
//! they agree bit for bit (`tests`).

/// Defines a function whose body, with everything marked `#[inline(always)]` that it calls, is compiled both ways.
macro_rules! vectorized {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident $(<const $length:ident: usize>)?
     ($($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        $visibility fn $name $(<const $length: usize>)? ($($argument: $type),*) $(-> $output)? {
            #[inline(always)]
            fn plain $(<const $length: usize>)? ($($argument: $type),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn wide $(<const $length: usize>)? ($($argument: $type),*) $(-> $output)? {
                    plain $(::<$length>)? ($($argument),*)
                }
                if crate::composite::vectors::are_wide() {
                    // SAFETY: the processor has what `wide` is compiled for.
                    return unsafe { wide $(::<$length>)? ($($argument),*) };
                }
            }
            plain $(::<$length>)? ($($argument),*)
        }
    };
}
pub(super) use vectorized;

/// True where the wide versions run.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn are_wide() -> bool {
    static ARE_WIDE: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    });
    #[cfg(test)]
    if tests::IS_PLAIN.get() {
        return false;
    }
    *ARE_WIDE
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use crate::boxes::BoxXyxy;
    use crate::composite::tests::Picture;
    use crate::composite::{Edges, Mode, Region, Style};
    use crate::frame::PixelFormat;
    use crate::objects::{Mask, Object, Objects};

    thread_local! {
        /// Set while the plain versions are to run on this thread.
        pub(super) static IS_PLAIN: Cell<bool> = const { Cell::new(false) };
    }

    /// Calls `work` with the versions for every processor.
    pub(in crate::composite) fn plainly<T>(work: impl FnOnce() -> T) -> T {
        IS_PLAIN.set(true);
        let result = work();
        IS_PLAIN.set(false);
        result
    }

    /// Numbers that look random, the same in every run.
    struct Dice(u32);

    impl Dice {
        fn roll(&mut self, sides: u32) -> u32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) % sides
        }

        fn part(&mut self) -> f32 {
            self.roll(10_001) as f32 / 10_000.0
        }
    }

    /// Objects of random places and grids, with random noise on their masks.
    fn objects(dice: &mut Dice) -> Objects {
        let items = (0..1 + dice.roll(4)).map(|id| {
            let (width, height) = (8 + dice.roll(40), 8 + dice.roll(40));
            let (cx, cy, radius) = (dice.part(), dice.part(), 0.05 + 0.4 * dice.part());
            let noise = dice.roll(120) as f32;
            let mut value = |cell: u32| {
                let (x, y) = ((cell % width) as f32 / width as f32, (cell / width) as f32 / height as f32);
                (600.0 * (radius - (x - cx).hypot(y - cy)) + 128.0 + noise * (dice.part() - 0.5)) as u8
            };
            let values: Vec<u8> = (0..width * height).map(&mut value).collect();
            Object {
                id: Some(id.into()),
                label: "thing".into(),
                prompt_index: 0,
                score: dice.part(),
                box_in_frame: BoxXyxy { x0: cx - radius, y0: cy - radius, x1: cx + radius, y1: cy + radius },
                mask: Mask::new(width, height, values).unwrap(),
                state: None,
                first_seen_ns: None,
                last_seen_ns: None,
            }
        });
        Objects { items: items.collect(), ..Objects::default() }
    }

    fn style(dice: &mut Dice, mode: Mode) -> Style {
        let edges = Edges {
            grow: 12.0 * (dice.part() - 0.5),
            feather: [0.0, 3.0, 40.0][dice.roll(3) as usize],
            fill_holes: dice.roll(2) == 0,
            min_area: 0.01 * dice.part(),
            refine: dice.part() * dice.roll(2) as f32,
            temporal_smoothing: dice.part() * dice.roll(2) as f32,
        };
        let region = [Region::Auto, Region::Inside, Region::Outside][dice.roll(3) as usize];
        Style { mode, region, edges, radius: Some(30.0 * dice.part()), boxes: dice.roll(2) == 0, ..Style::default() }
    }

    #[test]
    fn wide_and_plain_versions_agree_bit_for_bit() {
        let mut dice = Dice(7);
        for round in 0..6 {
            for mode in Mode::ALL {
                let (objects, style) = (objects(&mut dice), style(&mut dice, mode));
                let format = PixelFormat::ALL[dice.roll(PixelFormat::ALL.len() as u32) as usize];
                let size = (16 + dice.roll(200), 16 + dice.roll(120));
                let mut wide = Picture::new(format, size);
                let bytes = wide.planes.iter_mut().flat_map(|(bytes, _)| bytes);
                bytes.for_each(|byte| *byte = dice.roll(256) as u8);
                let mut plain = Picture { planes: wide.planes.clone(), ..wide };
                wide.draw(&objects, &style);
                plainly(|| plain.draw(&objects, &style));
                assert!(wide.planes == plain.planes, "round {round}, {style:?}, {format:?} {size:?}");
            }
        }
    }
}
