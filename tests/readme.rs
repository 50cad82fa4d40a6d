//! What README and the guide pages promise: their pipelines run, their property tables are those of the elements.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gst::prelude::*;

const README: &str = include_str!("../README.md");
const COMPOSITING: &str = include_str!("../docs/compositing.md");
const LIVE: &str = include_str!("../docs/live.md");
const TRACKING: &str = include_str!("../docs/tracking.md");
const EXPORTING: &str = include_str!("../docs/exporting.md");
/// Frames that a documented pipeline plays here.
const FRAMES: u32 = 4;

fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::init().unwrap();
        gstsa3::plugin_register_static().unwrap();
    });
}

/// What stands in lines that need a model which not everybody has.
const OWN_MODELS: [&str; 2] = ["model=/path/to/", "model=facebook/sam3"];

/// Every gst-launch line of a page, without the command itself; lines that end in a backslash are joined.
fn documented_pipelines(page: &str) -> Vec<String> {
    let joined = page.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter_map(|line| line.strip_prefix("gst-launch-1.0 "));
    let runs_here = |line: &&str| !OWN_MODELS.iter().any(|model| line.contains(model));
    lines.filter(runs_here).map(|line| line.replace(['\'', '"'], "\"")).collect()
}

/// The same pipeline without a screen and a camera, and with an end.
fn runnable(pipeline: &str, folder: &std::path::Path) -> String {
    let source = format!("videotestsrc num-buffers={FRAMES}");
    let exports = folder.join("exports");
    pipeline
        .replace("maskexport location=", &format!("maskexport location={}/", exports.display()))
        .replace("maskattach location=", &format!("maskattach location={}/", exports.display()))
        .replace("autovideosink", "fakesink")
        .replace("v4l2src", &source)
        .replace("videotestsrc", &source)
        .replace(&format!("{source} num-buffers={FRAMES}"), &source)
        .replace("! decodebin !", &format!("! decodebin ! identity eos-after={FRAMES} !"))
        .replace("filesink location=", &format!("filesink location={}/", folder.display()))
}

fn play(description: &str) -> Result<(), String> {
    let pipeline = gst::parse::launch(description).map_err(|error| error.to_string())?;
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).map_err(|error| error.to_string())?;
    let ends = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Warning];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(120), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        Some(gst::MessageView::Warning(warning)) => Err(format!("warning: {}", warning.error())),
        _ => Err("it did not end".into()),
    }
}

#[test]
fn documented_pipelines_run() {
    init();
    let folder = std::env::temp_dir().join(format!("sa3-readme-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("exports")).unwrap();
    let pipelines = [README, TRACKING, LIVE, EXPORTING, COMPOSITING].map(documented_pipelines);
    let counts = pipelines.each_ref().map(Vec::len);
    assert!(counts[0] >= 5 && counts[1] >= 2 && counts[2] >= 4 && counts[3] >= 15 && counts[4] >= 15, "{counts:?}");
    let pipelines = pipelines.concat();
    for pipeline in &pipelines {
        let description = runnable(pipeline, &folder);
        play(&description).unwrap_or_else(|error| panic!("{pipeline}\nrun as\n{description}\n{error}"));
    }
    let written = |folder: &std::path::Path| {
        let is_written = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() > 0;
        let entries = std::fs::read_dir(folder).unwrap();
        entries.filter(|entry| is_written(entry.as_ref().unwrap().metadata().unwrap())).count()
    };
    let expected = pipelines.iter().filter(|pipeline| pipeline.contains("filesink")).count();
    assert_eq!(written(&folder), expected, "files in {}", folder.display());
    let exports = pipelines.iter().filter(|pipeline| pipeline.contains("maskexport location=")).count();
    assert_eq!(written(&folder.join("exports")) + 1, exports, "files, and one folder of pictures");
    assert_eq!(written(&folder.join("exports/pictures")), FRAMES as usize);
    std::fs::remove_dir_all(folder).unwrap();
}

/// The table of an element's own properties as a page should have it, but for those that `other` has too.
fn property_table(factory: &str, other: Option<&str>) -> String {
    let made = |factory: &str| gst::ElementFactory::make(factory).build().unwrap();
    let (element, other) = (made(factory), other.map(made));
    let is_known = |name: &str| other.as_ref().is_some_and(|other| other.has_property(name));
    let mut table = String::from("| property | default | meaning |\n| --- | --- | --- |\n");
    let specs = element.list_properties();
    for spec in specs.iter().filter(|spec| spec.owner_type() == element.type_() && !is_known(spec.name())) {
        let default = if spec.flags().contains(gst::glib::ParamFlags::WRITABLE) {
            shown(spec.default_value())
        } else {
            "read-only".into()
        };
        let meaning = spec.blurb().unwrap_or_default().replace('|', "\\|");
        table += &format!("| `{}` | {default} | {meaning} |\n", spec.name());
    }
    table
}

fn shown(value: &gst::glib::Value) -> String {
    if let Ok(number) = value.get::<f64>() {
        return format!("{number}");
    }
    if let Ok(text) = value.get::<Option<String>>() {
        return text.filter(|text| !text.is_empty()).map_or("empty".into(), |text| format!("`{text}`"));
    }
    if let Some((_, choice)) = gst::glib::EnumValue::from_value(value) {
        return format!("`{}`", choice.nick());
    }
    if value.get::<gst::Array>().is_ok_and(|array| array.is_empty()) {
        return "empty".into();
    }
    value.serialize().map_or_else(|_| String::new(), |text| text.to_string())
}

#[test]
fn property_tables_are_those_of_the_elements() {
    init();
    for factory in ["sa3segment", "maskcomposite"] {
        let table = property_table(factory, None);
        assert!(README.contains(&table), "README should have this table for {factory}:\n{table}");
    }
    for factory in ["maskextract", "maskexport", "maskattach"] {
        let table = property_table(factory, None);
        assert!(EXPORTING.contains(&table), "docs/exporting.md should have this table for {factory}:\n{table}");
    }
    let table = property_table("sa3track", Some("sa3segment"));
    assert!(TRACKING.contains(&table), "docs/tracking.md should have this table:\n{table}");
}

/// Signals are documented with their parameters.
#[test]
fn action_signals_are_documented() {
    init();
    let of_track = [
        "click",
        "draw-box",
        "give-mask",
        "remove-object",
        "lock-object",
        "rename-object",
        "clear-bans",
        "scene-cut",
        "load-session",
    ];
    let of_segment = ["click", "draw-box", "give-mask", "rename-object"];
    let of_track = of_track.into_iter().map(|name| ("sa3track", TRACKING, name));
    for (factory, page, name) in of_track.chain(of_segment.map(|name| ("sa3segment", README, name))) {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        let query = gst::glib::subclass::SignalId::lookup(name, element.type_()).unwrap().query();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_default();
        let parameters = row.split('|').nth(2).unwrap_or_default().split(',').filter(|text| !text.trim().is_empty());
        assert_eq!(parameters.count(), query.n_params() as usize, "{factory} {name}: {row}");
    }
}
