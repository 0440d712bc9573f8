//! The cryptography of token transfers: Ed25519 key pairs, signatures, base58, addresses.
//!
//! The seed of a key exists in one place on the heap and is wiped when the pair is dropped.

use std::fmt;

use ed25519_dalek::{SECRET_KEY_LENGTH, Signer, SigningKey};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The prefix of the seed in a private key as the Mezon SDKs exchange it. Byte 6 is 11 although the algorithm
/// identifier has 5 bytes, so the key is not valid DER; the SDKs expect it nevertheless.
const SDK_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The prefix that RFC 8410 specifies.
const DER_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const LONGEST_KEY: usize = SDK_PREFIX.len() + SECRET_KEY_LENGTH;

/// The length of an address: a SHA-256 digest.
pub const ADDRESS_LENGTH: usize = 32;

/// Why a private key cannot be read. Reveals nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    NotHex,
    Length,
    Prefix,
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            KeyError::NotHex => "the private key is not hexadecimal text",
            KeyError::Length => {
                "the private key has the wrong length: 96 hexadecimal digits (PKCS#8) or 64 (the bare seed)"
            }
            KeyError::Prefix => "the private key is not an Ed25519 key in PKCS#8",
        })
    }
}

impl std::error::Error for KeyError {}

/// An Ed25519 key pair. Not `Clone`; its `Debug` output shows the public key only.
pub struct KeyPair {
    // Boxed, so that moving the pair copies a pointer and leaves no second copy of the seed.
    key: Box<SigningKey>,
}

impl KeyPair {
    /// Generate a pair from the operating system's random numbers.
    ///
    /// # Errors
    /// If the operating system provides none.
    pub fn generate() -> Result<Self, String> {
        let mut seed = Zeroizing::new([0_u8; SECRET_KEY_LENGTH]);
        OsRng.try_fill_bytes(seed.as_mut()).map_err(|error| error.to_string())?;
        Ok(Self::from_seed(&seed))
    }

    pub fn from_seed(seed: &[u8; SECRET_KEY_LENGTH]) -> Self {
        Self { key: Box::new(SigningKey::from_bytes(seed)) }
    }

    /// Read a key in the format of the SDKs, as correct PKCS#8, or as a bare seed; hexadecimal in each case.
    ///
    /// # Errors
    /// [`KeyError`] if the text is none of the three.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.as_bytes();
        let length = text.len() / 2;
        if !text.len().is_multiple_of(2) || (length != LONGEST_KEY && length != SECRET_KEY_LENGTH) {
            return Err(KeyError::Length);
        }
        let mut bytes = Zeroizing::new([0_u8; LONGEST_KEY]);
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        let (prefix, rest) = bytes[..length].split_at(length - SECRET_KEY_LENGTH);
        if !prefix.is_empty() && prefix != SDK_PREFIX && prefix != DER_PREFIX {
            return Err(KeyError::Prefix);
        }
        let mut seed = Zeroizing::new([0_u8; SECRET_KEY_LENGTH]);
        seed.copy_from_slice(rest);
        Ok(Self::from_seed(&seed))
    }

    /// Return the private key in the format of the SDKs: 96 hexadecimal digits, wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // Allocated at its full size, so that growing never moves the text.
        let mut text = Zeroizing::new(String::with_capacity(2 * LONGEST_KEY));
        for byte in SDK_PREFIX.iter().chain(self.key.as_bytes()) {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Return the raw signature. It is deterministic.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyPair")
            .field("public_key", &base58_encode(&self.public_key()))
            .finish_non_exhaustive()
    }
}

fn digit(letter: u8) -> Result<u8, KeyError> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        b'A'..=b'F' => Ok(letter - b'A' + 10),
        _ => Err(KeyError::NotHex),
    }
}

/// Encode bytes as base58 in Bitcoin's alphabet.
pub fn base58_encode(bytes: &[u8]) -> String {
    bs58::encode(bytes).into_string()
}

/// Decode a base58 text; None if it contains a letter outside the alphabet.
pub fn base58_decode(text: &str) -> Option<Vec<u8>> {
    bs58::decode(text).into_vec().ok()
}

/// Return the address of a user: base58 of the SHA-256 of the id.
pub fn address_of(user_id: &str) -> String {
    base58_encode(&Sha256::digest(user_id.as_bytes()))
}

/// Return whether a text decodes to the 32 bytes of an address. The time is bounded for a text of any length.
pub fn is_address(text: &str) -> bool {
    let mut bytes = [0_u8; ADDRESS_LENGTH];
    text.len() <= 44 && bs58::decode(text).onto(&mut bytes[..]) == Ok(ADDRESS_LENGTH)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ed25519_dalek::Verifier;
    use proptest::prelude::*;
    use serde_json::Value;
    use zeroize::ZeroizeOnDrop;

    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../tests/vectors/tokens.json")).unwrap()
    }

    fn text<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_recorded_key_pair() {
        let vectors = vectors();
        let expected = &vectors["key_pair"];
        let pair = KeyPair::from_text(text(expected, "seed_hex")).unwrap();
        assert_eq!(*pair.to_text(), text(expected, "private_key_pkcs8_hex"));
        assert_eq!(hex(&pair.public_key()), text(expected, "public_key_hex"));
        assert_eq!(base58_encode(&pair.public_key()), text(expected, "public_key_base58"));
    }

    #[test]
    fn the_recorded_addresses() {
        for case in vectors()["address_from_user_id"].as_array().unwrap() {
            assert_eq!(address_of(text(case, "user_id")), text(case, "address"));
        }
        for case in vectors()["validate_address"]["python"].as_array().unwrap() {
            assert_eq!(is_address(text(case, "address")), case["valid"].as_bool().unwrap(), "{case}");
        }
    }

    #[test]
    fn the_recorded_signatures() {
        let vectors = vectors();
        let pair = KeyPair::from_text(text(&vectors["key_pair"], "private_key_pkcs8_hex")).unwrap();
        for case in vectors["transactions"].as_array().unwrap() {
            let signature = pair.sign(text(case, "serialized_utf8").as_bytes());
            assert_eq!(hex(&signature), text(case, "ed25519_signature_hex"));
        }
    }

    #[test]
    fn an_outer_signature_is_base58_of_json() {
        let vectors = vectors();
        let pair = KeyPair::from_text(text(&vectors["key_pair"], "private_key_pkcs8_hex")).unwrap();
        let case = &vectors["transactions"][0];
        let json = base58_decode(text(case, "signature")).unwrap();
        let outer: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(text(&outer, "PubKey"), STANDARD.encode(pair.public_key()));
    }

    #[test]
    fn a_wrong_key_is_refused_without_its_content() {
        let seed = "7f".repeat(32);
        let other = format!("302e020100300b06032b656e04220420{seed}"); // X25519
        for (key, expected) in [
            (String::new(), KeyError::Length),
            (seed[..62].to_owned(), KeyError::Length),
            (format!("{seed}7"), KeyError::Length),
            (format!("{seed}{seed}"), KeyError::Length),
            (seed.replacen('7', "x", 1), KeyError::NotHex),
            ("é".repeat(32), KeyError::NotHex),
            (other, KeyError::Prefix),
        ] {
            let error = KeyPair::from_text(&key).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("7f7f"));
        }
    }

    #[test]
    fn debug_shows_no_private_half() {
        let pair = KeyPair::from_seed(&[0x7f; 32]);
        let shown = format!("{pair:?} {pair:#?}");
        assert!(shown.contains(&base58_encode(&pair.public_key())));
        assert!(!shown.contains("7f7f") && !shown.contains("127"));
    }

    #[test]
    fn two_pairs_differ() {
        let pairs = [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()];
        assert_ne!(*pairs[0].to_text(), *pairs[1].to_text());
    }

    #[test]
    fn the_seed_is_wiped_on_drop() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        let pair = KeyPair::from_seed(&[0x7f; 32]);
        wiped_on_drop(&*pair.key);
        wiped_on_drop(&pair.to_text());
        assert!(std::mem::needs_drop::<SigningKey>());
    }

    proptest! {
        #[test]
        fn base58_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(base58_decode(&base58_encode(&bytes)), Some(bytes));
        }

        #[test]
        fn base58_takes_any_text(text in "\\PC{0,80}") {
            if let Some(bytes) = base58_decode(&text) {
                prop_assert_eq!(base58_encode(&bytes), text.clone());
            }
            let decoded = base58_decode(&text).map(|bytes| bytes.len());
            prop_assert_eq!(is_address(&text), decoded == Some(ADDRESS_LENGTH));
        }

        #[test]
        fn three_spellings_are_one_key(seed in any::<[u8; 32]>(), message in proptest::collection::vec(any::<u8>(), 0..99)) {
            let seed_text = hex(&seed);
            let pair = KeyPair::from_seed(&seed);
            let signature = pair.sign(&message);
            prop_assert!(pair.key.verifying_key().verify(&message, &signature.into()).is_ok());
            for prefix in [&[][..], &SDK_PREFIX, &DER_PREFIX] {
                for text in [hex(prefix) + &seed_text, (hex(prefix) + &seed_text).to_uppercase()] {
                    let read = KeyPair::from_text(&text).unwrap();
                    prop_assert_eq!(read.to_text(), pair.to_text());
                    prop_assert_eq!(read.sign(&message), signature);
                }
            }
        }
    }
}
