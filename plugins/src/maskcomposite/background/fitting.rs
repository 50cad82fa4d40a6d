//! A background of any size, format and colours, brought to the frame's; GStreamer's converter does the work.

use gst_video::{VideoConverter, VideoConverterConfig, VideoFrameRef, VideoInfo};
use sa3::composite::Backdrop;
use sa3::frame::FrameSource;
use sa3::{Error, Result};

use super::line::Shown;
use crate::frame::{MappedFrame, pixel_format, video_format};
use crate::maskcomposite::BackgroundFit;
use crate::maskcomposite::formats::engine_format;

/// How backgrounds are brought to frames.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::maskcomposite) struct Fit {
    pub(in crate::maskcomposite) how: BackgroundFit,
    /// Of borders.
    pub(in crate::maskcomposite) border_argb: u32,
}

/// Keeps the last background as it was brought to the frames.
#[derive(Debug, Default)]
pub(in crate::maskcomposite) struct Fitting {
    backdrop: Backdrop,
    /// What `backdrop` was made of: the frame's number, and the rest of what decides on it.
    made_of: Option<(u64, VideoInfo, Fit)>,
    converter: Option<Converter>,
}

#[derive(Debug)]
struct Converter {
    from: VideoInfo,
    to: VideoInfo,
    fit: Fit,
    inner: VideoConverter,
    /// What it converts into.
    scratch: gst::Buffer,
}

impl Fitting {
    /// The background for frames of `frame_info`; the same one as last time is not converted again.
    ///
    /// # Errors
    /// [`Error::Frame`] when it cannot be read or converted.
    pub(in crate::maskcomposite) fn fit(
        &mut self,
        shown: &Shown,
        frame_info: &VideoInfo,
        fit: &Fit,
    ) -> Result<&mut Backdrop> {
        let to = plain_info(frame_info)?;
        let is_made =
            |(serial, info, how): &(u64, VideoInfo, Fit)| *serial == shown.serial && *info == to && how == fit;
        if !self.made_of.as_ref().is_some_and(is_made) {
            self.made_of = None;
            if is_alike(&shown.info, &to) {
                self.backdrop.take(&MappedFrame::new(shown.buffer.clone(), &shown.info)?.frame()?);
            } else {
                self.convert(shown, &to, fit)?;
            }
            self.made_of = Some((shown.serial, to, fit.clone()));
        }
        Ok(&mut self.backdrop)
    }

    fn convert(&mut self, shown: &Shown, to: &VideoInfo, fit: &Fit) -> Result<()> {
        let is_ready =
            |converter: &Converter| converter.from == shown.info && converter.to == *to && converter.fit == *fit;
        let mut converter = match self.converter.take().filter(is_ready) {
            Some(converter) => converter,
            None => Converter::new(&shown.info, to, fit)?,
        };
        converter.run(&shown.buffer)?;
        self.backdrop.take(&MappedFrame::new(converter.scratch.clone(), to)?.frame()?);
        self.converter = Some(converter);
        Ok(())
    }
}

impl Converter {
    fn new(from: &VideoInfo, to: &VideoInfo, fit: &Fit) -> Result<Self> {
        // Time is not the converter's matter, and it refuses to change it.
        let timed = VideoInfo::builder(to.format(), to.width(), to.height())
            .colorimetry(&to.colorimetry())
            .par(to.par())
            .fps(from.fps())
            .interlace_mode(from.interlace_mode())
            .build()
            .map_err(failed)?;
        let inner = VideoConverter::new(from, &timed, Some(config(from, to, fit))).map_err(failed)?;
        let scratch = gst::Buffer::from_mut_slice(vec![0u8; to.size()]);
        Ok(Self { from: from.clone(), to: to.clone(), fit: fit.clone(), inner, scratch })
    }

    fn run(&mut self, buffer: &gst::BufferRef) -> Result<()> {
        let source = VideoFrameRef::from_buffer_ref_readable(buffer, &self.from).map_err(failed)?;
        let mut target = VideoFrameRef::from_buffer_ref_writable(self.scratch.make_mut(), &self.to).map_err(failed)?;
        self.inner.frame_ref(&source, &mut target);
        Ok(())
    }
}

fn failed(cause: glib::BoolError) -> Error {
    Error::Frame(format!("the background cannot be brought to the frame's size and format: {cause}"))
}

/// The layout that the engine draws in: the frame's without a plane of alpha.
fn plain_info(info: &VideoInfo) -> Result<VideoInfo> {
    let format = engine_format(info.format()).map_or(info.format(), |(format, _)| video_format(format));
    VideoInfo::builder(format, info.width(), info.height())
        .colorimetry(&info.colorimetry())
        .par(info.par())
        .build()
        .map_err(failed)
}

/// True when samples need no change, only another place in memory.
fn is_alike(from: &VideoInfo, to: &VideoInfo) -> bool {
    let size = |info: &VideoInfo| (info.width(), info.height());
    pixel_format(from.format()).is_some()
        && (from.format(), size(from), from.colorimetry()) == (to.format(), size(to), to.colorimetry())
}

fn config(from: &VideoInfo, to: &VideoInfo, fit: &Fit) -> VideoConverterConfig {
    let mut config = VideoConverterConfig::new();
    let [source, target] = [from, to].map(|info| [info.width(), info.height()]);
    // How much wider the background is than the frame, as seen on a screen.
    let aspect = |info: &VideoInfo| {
        let par = f64::from(info.par().numer()) / f64::from(info.par().denom().max(1));
        f64::from(info.width()) / f64::from(info.height().max(1)) * if par > 0.0 { par } else { 1.0 }
    };
    let excess = aspect(from) / aspect(to);
    let part = |side: u32, part: f64| ((f64::from(side) * part).round() as i32).clamp(1, side as i32);
    match fit.how {
        BackgroundFit::Stretch => {}
        BackgroundFit::Cover => {
            let (width, height) = (part(source[0], 1.0 / excess), part(source[1], excess));
            config.set_src_x((source[0] as i32 - width) / 2);
            config.set_src_y((source[1] as i32 - height) / 2);
            config.set_src_width(Some(width));
            config.set_src_height(Some(height));
        }
        BackgroundFit::Contain => {
            let (width, height) = (part(target[0], excess), part(target[1], 1.0 / excess));
            config.set_dest_x((target[0] as i32 - width) / 2);
            config.set_dest_y((target[1] as i32 - height) / 2);
            config.set_dest_width(Some(width));
            config.set_dest_height(Some(height));
            config.set_fill_border(true);
            config.set_border_argb(fit.border_argb | 0xff00_0000);
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::VideoFormat;

    fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
        gst::init().unwrap();
        VideoInfo::builder(format, width, height).build().unwrap()
    }

    /// Grey columns 0, 1, 2, …, ten grey levels apart.
    fn columns(width: u32, height: u32, serial: u64) -> Shown {
        let info = info(VideoFormat::Rgb, width, height);
        let stride = info.stride()[0] as usize;
        let byte = |n: usize| (n % stride / 3 * 10) as u8;
        let buffer = gst::Buffer::from_mut_slice((0..info.size()).map(byte).collect::<Vec<_>>());
        Shown { buffer, info, serial }
    }

    fn fitted(shown: &Shown, to: &VideoInfo, how: BackgroundFit) -> Vec<u8> {
        let mut fitting = Fitting::default();
        let backdrop = fitting.fit(shown, to, &Fit { how, border_argb: 0x00ff_ffff }).unwrap();
        let mut bytes = vec![7u8; to.size()];
        let planes = vec![sa3::composite::PlaneMut { bytes: &mut bytes, stride: to.stride()[0] as usize }];
        let size = (to.width(), to.height());
        let format = pixel_format(to.format()).unwrap();
        let mut frame = sa3::composite::FrameMut::new(format, size, crate::frame::colorimetry(to), planes).unwrap();
        let style = sa3::composite::Style { mode: sa3::composite::Mode::Replace, ..Default::default() };
        let nothing = sa3::Objects::default();
        sa3::composite::Compositor::default().composite_over(&mut frame, &nothing, &style, Some(backdrop));
        bytes
    }

    #[test]
    fn a_picture_of_the_frames_layout_is_taken_as_it_is() {
        let shown = columns(8, 4, 1);
        let to = info(VideoFormat::Rgb, 8, 4);
        let before = shown.buffer.map_readable().unwrap().to_vec();
        assert_eq!(fitted(&shown, &to, BackgroundFit::Cover), before);
    }

    #[test]
    fn each_fit_shows_its_part() {
        let to = info(VideoFormat::Gray8, 8, 8);
        let row = |how| fitted(&columns(16, 8, 1), &to, how)[3 * 8..4 * 8].to_vec();
        let cover = row(BackgroundFit::Cover);
        assert!(cover[0] >= 35 && cover[7] <= 115, "the middle: {cover:?}");
        let stretch = row(BackgroundFit::Stretch);
        assert!(stretch[0] < 15 && stretch[7] > 130, "all of it: {stretch:?}");
        let contained = fitted(&columns(16, 8, 1), &to, BackgroundFit::Contain);
        assert!(contained[..8].iter().all(|&v| v >= 234), "a white border: {:?}", &contained[..8]);
        assert!(contained[32] < 30 && contained[39] > 110, "all of it between: {:?}", &contained[32..40]);
    }

    #[test]
    fn the_same_background_is_converted_once() {
        let to = info(VideoFormat::Nv12, 16, 16);
        let mut fitting = Fitting::default();
        let fit = Fit { how: BackgroundFit::Cover, border_argb: 0 };
        fitting.fit(&columns(8, 8, 1), &to, &fit).unwrap();
        let unreadable = Shown { buffer: gst::Buffer::new(), ..columns(8, 8, 1) };
        assert!(fitting.fit(&unreadable, &to, &fit).is_ok());
        let next = Shown { serial: 2, ..unreadable };
        let error = fitting.fit(&next, &to, &fit).unwrap_err().to_string();
        assert!(error.contains("background"), "{error}");
    }
}
