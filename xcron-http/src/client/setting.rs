//! What is said of a field that may be left open.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is said of a field that may be left open.
///
/// ```
/// use xcron_http::client::Setting;
///
/// assert_eq!(Setting::from(5), Setting::To(5));
/// assert_eq!(Setting::<u64>::from(None), Setting::Open);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// Nothing: the field is left out.
    #[default]
    Open,
    /// It is to have its default: `null`.
    Default,
    /// It is to have this value.
    To(T),
}

impl<T> Setting<T> {
    /// Whether nothing is said.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// The value, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::To(value) => Some(value),
            Self::Open | Self::Default => None,
        }
    }
}

impl<T> From<T> for Setting<T> {
    fn from(value: T) -> Self {
        Self::To(value)
    }
}

impl<T> From<Option<T>> for Setting<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Open, Self::To)
    }
}

impl<T: Serialize> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Default, Self::To))
    }
}
