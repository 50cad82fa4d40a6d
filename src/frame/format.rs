//! The pixel layouts a frame may have, and where their samples stand.

/// Pixel layouts, named as GStreamer names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are GStreamer's own and say it all")]
pub enum PixelFormat {
    Rgb,
    Bgr,
    Rgbx,
    Xrgb,
    Bgrx,
    Xbgr,
    Rgba,
    Argb,
    Bgra,
    Abgr,
    I420,
    Yv12,
    Nv12,
    Nv21,
    Yuy2,
    Uyvy,
    Y42b,
    Y444,
    Gray8,
    P010Le,
    I42010Le,
}

/// Y'CbCr to R'G'B' coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are the standards' own")]
pub enum YuvMatrix {
    #[default]
    Bt601,
    Bt709,
    Bt2020,
    Smpte240m,
    Fcc,
}

/// Code range of Y'CbCr samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum YuvRange {
    /// 16..235 luma, 16..240 chroma (scaled for more bits).
    #[default]
    Limited,
    /// All codes.
    Full,
}

impl PixelFormat {
    /// Every format, in the order of the elements' pad templates.
    pub const ALL: [Self; 21] = [
        Self::Rgb,
        Self::Bgr,
        Self::Rgbx,
        Self::Xrgb,
        Self::Bgrx,
        Self::Xbgr,
        Self::Rgba,
        Self::Argb,
        Self::Bgra,
        Self::Abgr,
        Self::I420,
        Self::Yv12,
        Self::Nv12,
        Self::Nv21,
        Self::Yuy2,
        Self::Uyvy,
        Self::Y42b,
        Self::Y444,
        Self::Gray8,
        Self::P010Le,
        Self::I42010Le,
    ];

    /// Number of planes.
    pub fn plane_count(self) -> usize {
        match self {
            Self::I420 | Self::Yv12 | Self::Y42b | Self::Y444 | Self::I42010Le => 3,
            Self::Nv12 | Self::Nv21 | Self::P010Le => 2,
            _ => 1,
        }
    }

    /// Bytes in a row and number of rows of one plane of a `width` x `height` picture (odd sizes round chroma up).
    pub fn plane_extent(self, plane_index: usize, width: u32, height: u32) -> (usize, usize) {
        let (w, h) = (width as usize, height as usize);
        let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
        let is_chroma = plane_index > 0;
        match self {
            Self::Rgb | Self::Bgr => (3 * w, h),
            Self::Rgbx | Self::Xrgb | Self::Bgrx | Self::Xbgr => (4 * w, h),
            Self::Rgba | Self::Argb | Self::Bgra | Self::Abgr => (4 * w, h),
            Self::I420 | Self::Yv12 if is_chroma => (half_w, half_h),
            Self::Nv12 | Self::Nv21 if is_chroma => (2 * half_w, half_h),
            Self::Y42b if is_chroma => (half_w, h),
            Self::P010Le if is_chroma => (4 * half_w, half_h),
            Self::I42010Le if is_chroma => (2 * half_w, half_h),
            Self::P010Le | Self::I42010Le => (2 * w, h),
            Self::Yuy2 | Self::Uyvy => (4 * half_w, h),
            Self::I420 | Self::Yv12 | Self::Nv12 | Self::Nv21 | Self::Y42b | Self::Y444 | Self::Gray8 => (w, h),
        }
    }

    /// True for formats that hold R'G'B' samples.
    pub fn is_rgb(self) -> bool {
        self.rgb_offsets().is_some()
    }

    /// How bright the pixel `x` of a row of the first plane is, 0 to 1 of all codes.
    pub fn brightness(self, row: &[u8], x: usize) -> f32 {
        if let Some((bytes, offsets)) = self.rgb_offsets() {
            return offsets.iter().map(|offset| f32::from(row[x * bytes + offset])).sum::<f32>() / (3.0 * 255.0);
        }
        let word = || f32::from(u16::from_le_bytes([row[2 * x], row[2 * x + 1]]));
        match self {
            Self::P010Le => word() / 65535.0,
            Self::I42010Le => word() / 1023.0,
            Self::Yuy2 => f32::from(row[2 * x]) / 255.0,
            Self::Uyvy => f32::from(row[2 * x + 1]) / 255.0,
            _ => f32::from(row[x]) / 255.0,
        }
    }

    /// Bytes per pixel and the byte offsets of red, green and blue, for RGB formats.
    pub fn rgb_offsets(self) -> Option<(usize, [usize; 3])> {
        Some(match self {
            Self::Rgb => (3, [0, 1, 2]),
            Self::Bgr => (3, [2, 1, 0]),
            Self::Rgbx | Self::Rgba => (4, [0, 1, 2]),
            Self::Xrgb | Self::Argb => (4, [1, 2, 3]),
            Self::Bgrx | Self::Bgra => (4, [2, 1, 0]),
            Self::Xbgr | Self::Abgr => (4, [3, 2, 1]),
            _ => return None,
        })
    }
}
