//! Which formats come in, and which of them can leave with alpha.

use gst_video::VideoFormat;
use sa3::frame::PixelFormat;

use crate::frame::{pixel_format, video_format};

/// Formats of the pads: those of the engine, and A420.
pub(super) fn all() -> impl Iterator<Item = VideoFormat> {
    PixelFormat::ALL.into_iter().map(video_format).chain([VideoFormat::A420])
}

/// The format with the same samples in the same places, and alpha besides.
pub(super) fn with_alpha(format: VideoFormat) -> Option<VideoFormat> {
    Some(match format {
        VideoFormat::Rgbx => VideoFormat::Rgba,
        VideoFormat::Xrgb => VideoFormat::Argb,
        VideoFormat::Bgrx => VideoFormat::Bgra,
        VideoFormat::Xbgr => VideoFormat::Abgr,
        VideoFormat::I420 => VideoFormat::A420,
        _ => return None,
    })
}

/// What a format may leave as: itself, and with alpha.
pub(super) fn outputs(format: VideoFormat) -> impl Iterator<Item = VideoFormat> {
    [Some(format), with_alpha(format)].into_iter().flatten()
}

/// What may come in to leave as `format`.
pub(super) fn inputs(format: VideoFormat) -> impl Iterator<Item = VideoFormat> {
    [format].into_iter().chain(all().filter(move |&candidate| with_alpha(candidate) == Some(format)))
}

/// The engine's name of a format, and whether an alpha plane follows its planes.
pub(super) fn engine_format(format: VideoFormat) -> Option<(PixelFormat, bool)> {
    match format {
        VideoFormat::A420 => Some((PixelFormat::I420, true)),
        _ => pixel_format(format).map(|format| (format, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_formats_keep_the_order_of_the_samples() {
        for format in all() {
            let Some(alpha) = with_alpha(format) else { continue };
            let (before, after) = (engine_format(format).unwrap().0, engine_format(alpha).unwrap().0);
            assert_eq!(before.rgb_offsets(), after.rgb_offsets(), "{format:?}");
            assert_eq!(inputs(alpha).collect::<Vec<_>>(), [alpha, format]);
            assert_eq!(outputs(format).collect::<Vec<_>>(), [format, alpha]);
        }
        assert_eq!(inputs(VideoFormat::Nv12).collect::<Vec<_>>(), [VideoFormat::Nv12]);
    }
}
