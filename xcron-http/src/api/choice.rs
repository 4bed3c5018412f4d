//! The fields that have one of a few names as their value, both ways.

use super::fields::{Fields, short};
use super::refusal::Refusal;
use xcron_core::{DeliveryMode, DstFold, DstGap, Method, Misfire, Overlap};

/// The names of a choice and what they mean.
pub(super) type Choice<T> = [(&'static str, T)];

pub(super) const MISFIRE: &Choice<Misfire> =
    &[("fire_once", Misfire::FireOnce), ("fire_all", Misfire::FireAll), ("skip", Misfire::Skip)];

pub(super) const OVERLAP: &Choice<Overlap> =
    &[("allow", Overlap::Allow), ("skip", Overlap::Skip), ("queue", Overlap::Queue)];

pub(super) const DELIVERY: &Choice<DeliveryMode> =
    &[("at_least_once", DeliveryMode::AtLeastOnce), ("at_most_once", DeliveryMode::AtMostOnce)];

pub(super) const DST_GAP: &Choice<DstGap> = &[("shift", DstGap::Shift), ("skip", DstGap::Skip)];

pub(super) const DST_FOLD: &Choice<DstFold> = &[("first", DstFold::First), ("both", DstFold::Both)];

pub(super) const METHOD: &Choice<Method> = &[
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("GET", Method::Get),
    ("DELETE", Method::Delete),
];

/// Takes a field that has one of the names as its value.
pub(super) fn one_of<T: Copy>(
    choice: &Choice<T>,
) -> impl FnOnce(&mut Fields<'_>, &'static str) -> Result<Option<T>, Refusal> {
    move |fields, name| {
        let Some(text) = fields.text(name)? else {
            return Ok(None);
        };
        let refuse = || fields.refuse(name, &expected(choice, &text));
        find(choice, &text).map(Some).ok_or_else(refuse)
    }
}

/// What `name` means.
pub(super) fn find<T: Copy>(choice: &Choice<T>, name: &str) -> Option<T> {
    choice.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Says that `text` is none of the names.
pub(super) fn expected<T>(choice: &Choice<T>, text: &str) -> String {
    let names: Vec<&str> = choice.iter().map(|(name, _)| *name).collect();
    format!("is {}, expected one of {}", short(text), names.join(", "))
}

/// The name of `value`.
pub(super) fn name_of<T: Copy + PartialEq>(choice: &Choice<T>, value: T) -> &'static str {
    let found = choice.iter().find(|(_, known)| *known == value);
    found.map_or("", |(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::{DELIVERY, METHOD, MISFIRE, OVERLAP, name_of};
    use xcron_core::{DeliveryMode, Method, Misfire, Overlap};

    #[test]
    fn every_value_has_a_name() {
        for value in [Misfire::FireOnce, Misfire::FireAll, Misfire::Skip] {
            assert_ne!(name_of(MISFIRE, value), "");
        }
        for value in [Overlap::Allow, Overlap::Skip, Overlap::Queue] {
            assert_ne!(name_of(OVERLAP, value), "");
        }
        for value in [DeliveryMode::AtLeastOnce, DeliveryMode::AtMostOnce] {
            assert_ne!(name_of(DELIVERY, value), "");
        }
        for value in [Method::Post, Method::Put, Method::Patch, Method::Get, Method::Delete] {
            assert_eq!(name_of(METHOD, value), value.as_str());
        }
    }
}
