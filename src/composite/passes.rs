//! Where a format keeps its samples: the passes that paint one row of alphas onto its planes.

use crate::frame::PixelFormat;

/// What stands in one sample position of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The ink's sample of this index.
    Ink(usize),
    /// Something this pass leaves alone: padding, alpha, a sample of another pass.
    Keep,
}

/// Which alphas a pass needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// One for each pixel.
    Full,
    /// One for each two pixels of a row.
    HalfColumns,
    /// One for each two pixels of a row, written twice, for packed formats that alternate chroma.
    HalfColumnsTwice,
    /// One for each two by two pixels.
    HalfBoth,
}

/// One plane's part in painting. The slots describe two neighbouring samples' worth of its grid, so that YUY2 fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) plane: usize,
    pub(super) grid: Grid,
    /// Positions of the even and of the odd cell of the grid.
    pub(super) slots: [&'static [Slot]; 2],
}

const R: Slot = Slot::Ink(0);
const G: Slot = Slot::Ink(1);
const B: Slot = Slot::Ink(2);
const Y: Slot = Slot::Ink(0);
const U: Slot = Slot::Ink(1);
const V: Slot = Slot::Ink(2);
const K: Slot = Slot::Keep;

const fn pass(plane: usize, grid: Grid, slots: &'static [Slot]) -> Pass {
    Pass { plane, grid, slots: [slots, slots] }
}

const fn planar(grid: Grid, u: usize, v: usize) -> [Pass; 3] {
    [pass(0, Grid::Full, &[Y]), pass(u, grid, &[U]), pass(v, grid, &[V])]
}

/// The passes that paint colour; they leave alpha alone.
pub(super) fn color_passes(format: PixelFormat) -> &'static [Pass] {
    const YUY2: [Pass; 2] =
        [pass(0, Grid::Full, &[Y, K]), Pass { plane: 0, grid: Grid::HalfColumnsTwice, slots: [&[K, U], &[K, V]] }];
    const UYVY: [Pass; 2] =
        [pass(0, Grid::Full, &[K, Y]), Pass { plane: 0, grid: Grid::HalfColumnsTwice, slots: [&[U, K], &[V, K]] }];
    const SEMI_PLANAR_UV: [Pass; 2] = [pass(0, Grid::Full, &[Y]), pass(1, Grid::HalfBoth, &[U, V])];
    const SEMI_PLANAR_VU: [Pass; 2] = [pass(0, Grid::Full, &[Y]), pass(1, Grid::HalfBoth, &[V, U])];
    match format {
        PixelFormat::Rgb => const { &[pass(0, Grid::Full, &[R, G, B])] },
        PixelFormat::Bgr => const { &[pass(0, Grid::Full, &[B, G, R])] },
        PixelFormat::Rgbx | PixelFormat::Rgba => const { &[pass(0, Grid::Full, &[R, G, B, K])] },
        PixelFormat::Xrgb | PixelFormat::Argb => const { &[pass(0, Grid::Full, &[K, R, G, B])] },
        PixelFormat::Bgrx | PixelFormat::Bgra => const { &[pass(0, Grid::Full, &[B, G, R, K])] },
        PixelFormat::Xbgr | PixelFormat::Abgr => const { &[pass(0, Grid::Full, &[K, B, G, R])] },
        PixelFormat::I420 | PixelFormat::I42010Le => const { &planar(Grid::HalfBoth, 1, 2) },
        PixelFormat::Yv12 => const { &planar(Grid::HalfBoth, 2, 1) },
        PixelFormat::Y42b => const { &planar(Grid::HalfColumns, 1, 2) },
        PixelFormat::Y444 => const { &planar(Grid::Full, 1, 2) },
        PixelFormat::Nv12 | PixelFormat::P010Le => &SEMI_PLANAR_UV,
        PixelFormat::Nv21 => &SEMI_PLANAR_VU,
        PixelFormat::Yuy2 => &YUY2,
        PixelFormat::Uyvy => &UYVY,
        PixelFormat::Gray8 => const { &[pass(0, Grid::Full, &[Y])] },
    }
}

/// The pass that paints an ink's first sample into the alpha samples, if there are any.
pub(super) fn alpha_pass(format: PixelFormat, has_alpha_plane: bool) -> Option<Pass> {
    match format {
        _ if has_alpha_plane => Some(pass(format.plane_count(), Grid::Full, &[Slot::Ink(0)])),
        PixelFormat::Rgba | PixelFormat::Bgra => Some(pass(0, Grid::Full, &[K, K, K, Slot::Ink(0)])),
        PixelFormat::Argb | PixelFormat::Abgr => Some(pass(0, Grid::Full, &[Slot::Ink(0), K, K, K])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rgb_slots_agree_with_the_formats_offsets() {
        for format in PixelFormat::ALL {
            let Some((bytes, offsets)) = format.rgb_offsets() else { continue };
            let [only] = color_passes(format) else { panic!("{format:?} has one plane") };
            assert_eq!(only.slots[0].len(), bytes, "{format:?}");
            for (component, offset) in offsets.into_iter().enumerate() {
                assert_eq!(only.slots[0][offset], Slot::Ink(component), "{format:?}");
            }
        }
    }

    #[test]
    fn passes_cover_each_plane_to_its_end() {
        for format in PixelFormat::ALL {
            let sample_bytes = if crate::composite::ink::bits_of(format) > 8 { 2 } else { 1 };
            for pass in color_passes(format) {
                let cells = if matches!(pass.grid, Grid::Full | Grid::HalfColumnsTwice) { 6 } else { 3 };
                let rows = if pass.grid == Grid::HalfBoth { 2 } else { 4 };
                let extent = (cells * pass.slots[0].len() * sample_bytes, rows);
                assert_eq!(format.plane_extent(pass.plane, 6, 4), extent, "{format:?} plane {}", pass.plane);
            }
        }
    }
}
