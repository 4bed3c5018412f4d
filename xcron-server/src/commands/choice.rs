//! Flags whose value has one of a few names, those of the API.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) const MISFIRE: &[&str] = &["fire_once", "fire_all", "skip"];
pub(super) const OVERLAP: &[&str] = &["allow", "skip", "queue"];
pub(super) const DELIVERY: &[&str] = &["at_least_once", "at_most_once"];
pub(super) const DST_GAP: &[&str] = &["shift", "skip"];
pub(super) const DST_FOLD: &[&str] = &["first", "both"];
pub(super) const METHOD: &[&str] = &["POST", "PUT", "PATCH", "GET", "DELETE"];

/// Reads one of `names`, which help and completions show, however its letters are written where
/// the flag ignores that.
pub(super) fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|typed| {
        let name = names.iter().find(|name| name.eq_ignore_ascii_case(&typed));
        serde_json::from_value(Value::String(name.map_or(typed, |name| (*name).to_owned())))
    })
}

#[cfg(test)]
mod tests {
    use super::{DELIVERY, DST_FOLD, DST_GAP, METHOD, MISFIRE, OVERLAP};
    use serde::de::DeserializeOwned;
    use xcron_core::{DeliveryMode, DstFold, DstGap, Method, Misfire, Overlap};

    fn all<T: DeserializeOwned>(names: &[&str]) {
        for name in names {
            assert!(serde_json::from_value::<T>((*name).into()).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_name_that_may_be_typed_means_something() {
        all::<Misfire>(MISFIRE);
        all::<Overlap>(OVERLAP);
        all::<DeliveryMode>(DELIVERY);
        all::<DstGap>(DST_GAP);
        all::<DstFold>(DST_FOLD);
        all::<Method>(METHOD);
    }
}
