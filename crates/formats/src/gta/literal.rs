//! Parses lists within cells, written as JSON or as Python prints them: `DataFrame.to_csv` writes responses
//! of the API in Python's form.
use serde_json::Value;

/// The elements of a list in brackets. None: the text is no such list.
pub(super) fn parse_list(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    if !(text.starts_with('[') && text.ends_with(']')) {
        return None;
    }
    let read = serde_json::from_str(text).or_else(|_| serde_json::from_str(&python_to_json(text)));
    read.ok()
}

/// Converts a Python literal to JSON: single quotes to double quotes, `None`, `True` and `False` to `null`,
/// `true` and `false`.
fn python_to_json(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut word = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_alphabetic() {
            word.push(letter);
            continue;
        }
        found.push_str(keyword(&std::mem::take(&mut word)));
        match letter {
            '\'' | '"' => copy_string(letter, &mut letters, &mut found),
            other => found.push(other),
        }
    }
    found
}

fn keyword(word: &str) -> &str {
    match word {
        "None" | "nan" | "NaN" => "null",
        "True" => "true",
        "False" => "false",
        other => other,
    }
}

/// Copies a string up to its closing quote.
fn copy_string(quote: char, letters: &mut std::str::Chars<'_>, found: &mut String) {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter if letter == quote => break,
            letter => text.push(letter),
        }
    }
    found.push_str(&Value::String(text).to_string());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_read_as_json_and_as_python() {
        let expected = vec![
            json!({"product_id": 261710, "name": "Côte d'Ivoire \"x\"", "date_removed": null, "ok": true}),
        ];
        for text in [
            r#"[{"product_id": 261710, "name": "Côte d'Ivoire \"x\"", "date_removed": null, "ok": true}]"#,
            r#"[{'product_id': 261710, 'name': 'Côte d\'Ivoire "x"', 'date_removed': None, 'ok': True}]"#,
        ] {
            assert_eq!(parse_list(text), Some(expected.clone()), "{text}");
        }
        assert_eq!(parse_list("[261710, '811010']"), Some(vec![json!(261_710), json!("811010")]));
        for text in ["261710, 811010", "", "[", "[1,]x", "[{'a]", "[}]"] {
            assert_eq!(parse_list(text), None, "{text}");
        }
    }
}
