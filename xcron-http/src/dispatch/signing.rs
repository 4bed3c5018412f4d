//! Signatures by [Standard Webhooks](https://www.standardwebhooks.com), version 1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use std::fmt;
use xcron_core::Delivery;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// A shorter key could be guessed.
const KEY_BYTES_MIN: usize = 24;
const KEY_BYTES_MAX: usize = 64;
/// The new secret and the old one.
const SECRETS_MAX: usize = 2;
const EXPECTED: &str = "expected whsec_ followed by 24 to 64 bytes in base64, or two such secrets \
                        with one space between them, the new one first";

/// The secret that callbacks are signed with, or two of them while a new one takes the place of
/// an old one: then each request carries both signatures, and a receiver may have either.
///
/// ```
/// use xcron_http::SigningSecrets;
///
/// let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// assert!(SigningSecrets::parse(&format!("{new} {old}")).is_ok());
///
/// let refused = SigningSecrets::parse("whsec_c2VjcmV0").unwrap_err().to_string();
/// assert!(refused.starts_with("has a secret of 6 bytes, expected whsec_"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecrets {
    /// The new one first.
    keys: Vec<Vec<u8>>,
}

/// Why a text holds no secrets; the message continues a sentence that begins with the text's
/// place, and shows nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, {EXPECTED}")]
pub struct SigningSecretsError {
    problem: String,
}

impl SigningSecrets {
    /// Reads `whsec_...`, or two of these with one space between them.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, SigningSecretsError> {
        let refuse = |problem: &str| SigningSecretsError { problem: problem.to_owned() };
        if text.is_empty() {
            return Err(refuse("is empty"));
        }
        let mut keys = Vec::with_capacity(SECRETS_MAX);
        for secret in text.split(' ') {
            if keys.len() == SECRETS_MAX {
                return Err(refuse("has more than two secrets"));
            }
            let encoded = secret.strip_prefix(PREFIX);
            let encoded = encoded.ok_or_else(|| refuse("has a secret without whsec_ in front"))?;
            let key = STANDARD.decode(encoded);
            let key = key.map_err(|_| refuse("has a secret that is not base64 after whsec_"))?;
            if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.len()) {
                return Err(refuse(&format!("has a secret of {} bytes", key.len())));
            }
            if keys.contains(&key) {
                return Err(refuse("has the same secret twice"));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// Signs the request of `delivery`, of which `body` is all that is sent after the head.
    ///
    /// The parts of what is signed are joined by dots, and a run's id may hold some. Yet no text
    /// can be taken apart in two ways: the last dot of an id is in front of its `@`, and what
    /// would follow that dot is no time.
    pub(super) fn sign(
        &self,
        headers: &mut HeaderMap,
        delivery: &Delivery,
        body: &[u8],
    ) -> Result<(), String> {
        let (id, seconds) = (delivery.run_id().to_string(), delivery.now().as_secs());
        let signature = HeaderValue::try_from(self.signature(&id, seconds, body));
        headers.insert(SIGNATURE, signature.map_err(|error| error.to_string())?);
        headers.insert(ID, HeaderValue::try_from(id).map_err(|error| error.to_string())?);
        headers.insert(TIMESTAMP, seconds.into());
        Ok(())
    }

    /// One `v1,<base64>` for each secret.
    fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let of = |key: &Vec<u8>| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any size");
            mac.update(format!("{id}.{seconds}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        self.keys.iter().map(of).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecrets")
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, STANDARD, SigningSecrets};
    use base64::Engine;

    fn secret(bytes: usize) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![bytes as u8; bytes]))
    }

    #[test]
    fn the_example_of_the_standard_is_signed_as_there() {
        let secrets = SigningSecrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = b"{\"test\": 2432232314}";
        let signature = secrets.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_shown() {
        let (short, long) = (secret(23), secret(65));
        let (a, b, c) = (secret(24), secret(64), secret(32));
        let table = [
            (String::new(), "is empty, "),
            ("hunter2".to_owned(), "has a secret without whsec_ in front, "),
            (a[PREFIX.len()..].to_owned(), "has a secret without whsec_ in front, "),
            (PREFIX.to_uppercase() + &a[PREFIX.len()..], "has a secret without whsec_ in front, "),
            (PREFIX.to_owned(), "has a secret of 0 bytes, "),
            (short, "has a secret of 23 bytes, "),
            (long, "has a secret of 65 bytes, "),
            (format!("{a}\n"), "has a secret that is not base64 after whsec_, "),
            (format!("{PREFIX}hunter2!"), "has a secret that is not base64 after whsec_, "),
            (c.trim_end_matches('=').to_owned(), "has a secret that is not base64 after whsec_, "),
            (format!(" {a}"), "has a secret without whsec_ in front, "),
            (format!("{a} "), "has a secret without whsec_ in front, "),
            (format!("{a}  {b}"), "has a secret without whsec_ in front, "),
            (format!("{a},{b}"), "has a secret that is not base64 after whsec_, "),
            (format!("{a} {a}"), "has the same secret twice, "),
            (format!("{a} {b} {c}"), "has more than two secrets, "),
        ];
        for (text, begins) in table {
            let error = SigningSecrets::parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(begins) && error.contains("expected whsec_"), "{error}");
            assert!(text.len() < 7 || !error.contains(&text), "{error}");
            assert!(!error.contains("hunter2") && error.lines().count() == 1, "{error}");
        }
        for text in [a.clone(), b.clone(), format!("{a} {b}")] {
            let secrets = SigningSecrets::parse(&text).unwrap();
            assert_eq!(format!("{secrets:?}"), "SigningSecrets");
        }
    }
}
