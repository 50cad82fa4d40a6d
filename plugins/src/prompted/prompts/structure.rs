//! GstStructures and GstValueArrays as prompts.

use glib::SendValue;
use glib::prelude::*;
use sa3::prompt::{BoxesField, Prompt, PromptFields};
use sa3::{Error, Result};

use super::refused;

const ARRAY_GRAMMAR: &str = "prompts is an array of phrases and of structures with the fields text, label, threshold, \
                             max-objects, boxes, negative-boxes, unit, from, exclude";
const BOX_FIELDS: &str = "A box has x, y, width and height (numbers), and may have positive (boolean), unit (frame, \
                          pixels), from (first-frame, each-frame), and text or id of what it belongs to";

/// The `prompts` property.
///
/// # Errors
/// [`Error::Setting`] that names the entry.
pub(super) fn prompts_from_array(array: &gst::Array) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for (index, value) in array.iter().enumerate() {
        if let Ok(text) = value.get::<&str>() {
            prompts.extend(Prompt::list_from_text(text));
            continue;
        }
        let prompt = match value.get::<gst::Structure>() {
            Ok(structure) => fields_from_structure(&structure).and_then(|fields| fields.to_prompt()),
            Err(_) => Err(wrong(&format!("a {}", value.type_()), "an entry is a string or a structure")),
        };
        let value = format!("entry {}", index + 1);
        prompts.push(prompt.map_err(|error| refused("prompts", &value, &error, ARRAY_GRAMMAR))?);
    }
    Ok(prompts)
}

/// The fields of one concept; the structure's name does not count.
///
/// # Errors
/// [`Error::Prompt`] for a field that is none, or a value of the wrong type.
pub(in crate::prompted) fn fields_from_structure(structure: &gst::StructureRef) -> Result<PromptFields> {
    let mut fields = PromptFields::default();
    for (name, value) in structure.iter() {
        let text = || value.get::<String>().map(Some).map_err(|_| wrong(name.as_str(), "it is a text"));
        match name.as_str() {
            "text" => fields.text = text()?,
            "label" => fields.label = text()?,
            "unit" => fields.unit = text()?,
            "from" => fields.from = text()?,
            "threshold" => fields.threshold = Some(number(name.as_str(), value)?),
            "max-objects" => fields.max_objects = Some(count(name.as_str(), value)?),
            "exclude" => fields.exclude = boolean(name.as_str(), value)?,
            "boxes" => fields.boxes = Some(boxes(name.as_str(), value)?),
            "negative-boxes" => fields.negative_boxes = Some(boxes(name.as_str(), value)?),
            other => return Err(PromptFields::refused(other)),
        }
    }
    Ok(fields)
}

/// A box with its concept, and the id it belongs to.
///
/// # Errors
/// [`Error::Prompt`] for what is missing or wrong.
pub(in crate::prompted) fn box_from_structure(structure: &gst::StructureRef) -> Result<(PromptFields, Option<u32>)> {
    let side = |name: &str| match structure.value(name) {
        Ok(value) => number(name, value),
        Err(_) => Err(wrong(name, &format!("it is missing. {BOX_FIELDS}"))),
    };
    let given = vec![side("x")?, side("y")?, side("width")?, side("height")?];
    let mut fields = PromptFields { boxes: Some(BoxesField::Flat(given)), ..PromptFields::default() };
    let mut id = None;
    for (name, value) in structure.iter() {
        let text = || value.get::<String>().map(Some).map_err(|_| wrong(name.as_str(), "it is a text"));
        match name.as_str() {
            "x" | "y" | "width" | "height" => {}
            "text" => fields.text = text()?,
            "unit" => fields.unit = text()?,
            "from" => fields.from = text()?,
            "id" => id = Some(count(name.as_str(), value)?),
            "positive" => {
                if !boolean(name.as_str(), value)? {
                    fields.negative_boxes = fields.boxes.take();
                }
            }
            other => return Err(wrong(other, BOX_FIELDS)),
        }
    }
    Ok((fields, id))
}

fn number(name: &str, value: &SendValue) -> Result<f64> {
    let number = value.transform::<f64>().ok().and_then(|number| number.get::<f64>().ok());
    // GLib makes numbers of texts and booleans as well.
    let is_number =
        [glib::Type::F64, glib::Type::F32, glib::Type::I32, glib::Type::U32, glib::Type::I64, glib::Type::U64]
            .contains(&value.type_());
    number.filter(|_| is_number).ok_or_else(|| wrong(name, "it is a number"))
}

fn count(name: &str, value: &SendValue) -> Result<u32> {
    let number = number(name, value)?;
    let is_count = number >= 0.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX);
    if is_count { Ok(number as u32) } else { Err(wrong(name, "it is a whole number from 0 up")) }
}

fn boolean(name: &str, value: &SendValue) -> Result<bool> {
    value.get::<bool>().map_err(|_| wrong(name, "it is true or false"))
}

/// Text, four numbers, or several times four numbers.
fn boxes(name: &str, value: &SendValue) -> Result<BoxesField> {
    if let Ok(text) = value.get::<String>() {
        return Ok(BoxesField::Text(text));
    }
    let refuse = || wrong(name, "boxes are a text, an array of four numbers, or an array of such arrays");
    let items = value.get::<gst::Array>().map_err(|_| refuse())?;
    let numbers = |items: &gst::Array| items.iter().map(|item| number(name, item)).collect::<Result<Vec<_>>>();
    if items.iter().any(|item| item.type_() == gst::Array::static_type()) {
        let lists =
            items.iter().map(|item| item.get::<gst::Array>().map_err(|_| refuse()).and_then(|list| numbers(&list)));
        return Ok(BoxesField::Lists(lists.collect::<Result<_>>()?));
    }
    Ok(BoxesField::Flat(numbers(&items)?))
}

fn wrong(name: &str, cause: &str) -> Error {
    Error::Prompt { prompt: name.into(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::prompt::box_text;

    fn prompts(text: &str) -> Result<Vec<Prompt>> {
        gst::init().unwrap();
        let array = gst::Array::static_type();
        let value = glib::Value::deserialize(text, array).unwrap_or_else(|_| panic!("{text} is no array"));
        prompts_from_array(&value.get().unwrap())
    }

    use gst::prelude::GstValueExt;

    #[test]
    fn strings_and_structures_mix() {
        let found = prompts(
            "<dog, [p, text=(string)\"red car\", label=car, threshold=0.3, max-objects=2, \
             boxes=\"0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1\"], [p, boxes=<40, 60, 80, 80>, unit=pixels, from=each-frame], \
             [p, text=toy, exclude=true, threshold=1, negative-boxes=<<0.0, 0.0, 1.0, 1.0>, <0.5, 0.5, 0.1, 0.1>>]>",
        )
        .unwrap();
        let texts: Vec<_> = found.iter().map(|prompt| &*prompt.text).collect();
        assert_eq!(texts, ["dog", "red car", "visual", "toy"]);
        assert_eq!((&*found[1].label, found[1].threshold, found[1].max_objects), ("car", Some(0.3), 2));
        assert_eq!(box_text(&found[1].exemplars), "0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1");
        assert_eq!(box_text(&found[2].exemplars), "40,60,80,80");
        assert!(found[3].is_excluded && box_text(&found[3].exemplars) == "-0,0,1,1; -0.5,0.5,0.1,0.1");
    }

    #[test]
    fn wrong_entries_are_named_with_the_fields() {
        for (text, cause) in [
            ("<dog, 3>", "entry 2"),
            ("<[p, tekst=dog]>", "tekst"),
            ("<[p, text=dog, threshold=high]>", "number"),
            ("<[p, text=dog, max-objects=-1]>", "whole number"),
            ("<[p, text=dog, exclude=3]>", "true or false"),
            ("<[p, boxes=<1, 2, 3>, unit=pixels]>", "four numbers"),
            ("<[p, text=3]>", "it is a text"),
        ] {
            let error = prompts(text).unwrap_err().to_string();
            assert!(error.contains(cause) && error.contains("negative-boxes"), "{text}: {error}");
        }
    }

    #[test]
    fn a_box_may_belong_to_a_phrase_or_an_id() {
        gst::init().unwrap();
        let parsed = |text: &str| box_from_structure(&text.parse::<gst::Structure>().unwrap());
        let (fields, id) =
            parsed("b, x=10, y=20, width=30.5, height=40, unit=pixels, positive=false, id=(uint)3").unwrap();
        assert_eq!((id, fields.boxes.is_none(), fields.negative_boxes.is_some()), (Some(3), true, true));
        assert!(parsed("b, x=0, y=0, width=1").unwrap_err().to_string().contains("height"));
        assert!(parsed("b, x=0, y=0, width=1, height=1, colour=red").unwrap_err().to_string().contains("positive"));
    }
}
