//! Percent-encoding of CloudEvents attributes in headers of NATS messages: space, `"`, `%` and everything
//! that is not printable ASCII.
use std::fmt::Write as _;

fn is_literal(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E) && byte != b'"' && byte != b'%'
}

/// Percent-encodes a header value.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if is_literal(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Decodes a header value. Refuses everything that [`encode`] never writes, such as overlong UTF-8.
///
/// # Errors
/// A text for people that says what is wrong with it.
pub fn decode(encoded: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => escaped(rest.next(), rest.next())
                .ok_or_else(|| format!("{encoded:?} has a % without two hex digits"))?,
            literal if is_literal(literal) => literal,
            other => return Err(format!("{encoded:?} has byte {other:#04x} where %{other:02X} belongs")),
        });
    }
    String::from_utf8(bytes).map_err(|error| format!("{encoded:?} is not UTF-8: {error}"))
}

fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_cloudevents_says() {
        for (plain, encoded) in [
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("100%", "100%25"),
            ("\"quoted\"", "%22quoted%22"),
            ("plain-._~!#$&'()*+,/:;=?@[]", "plain-._~!#$&'()*+,/:;=?@[]"),
            ("", ""),
        ] {
            assert_eq!(encode(plain), encoded);
            assert_eq!(decode(encoded).as_deref(), Ok(plain));
        }
        assert_eq!(decode("%e2%82%ac").as_deref(), Ok("€"), "digits in lower case are read");
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in proptest::prelude::any::<String>()) {
            let encoded = encode(&text);
            proptest::prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded}");
            proptest::prop_assert_eq!(decode(&encoded), Ok(text));
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in ["%", "%4", "%zz", "a b", "a\"b", "€", "%C0%A0", "%ED%A0%80", "%FF", "%+1"] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }
}
