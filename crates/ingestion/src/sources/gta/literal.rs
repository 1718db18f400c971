//! Lists within cells: as JSON, or as Python prints them, which is what `DataFrame.to_csv` makes of an answer of the interface.
use serde_json::Value;

/// The elements of a list that is written as such. None: the text is no list.
pub(super) fn list(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    if !(text.starts_with('[') && text.ends_with(']')) {
        return None;
    }
    let read = serde_json::from_str(text).or_else(|_| serde_json::from_str(&json(text)));
    read.ok()
}

/// A Python literal as JSON: quotes become double ones, `None`, `True` and `False` their names there.
fn json(text: &str) -> String {
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
            '\'' | '"' => quoted(letter, &mut letters, &mut found),
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

/// Takes a string up to the quote that ends it.
fn quoted(quote: char, letters: &mut std::str::Chars<'_>, found: &mut String) {
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
    fn lists_of_both_languages_are_read() {
        let expected = vec![
            json!({"product_id": 261710, "name": "Côte d'Ivoire \"x\"", "date_removed": null, "ok": true}),
        ];
        for text in [
            r#"[{"product_id": 261710, "name": "Côte d'Ivoire \"x\"", "date_removed": null, "ok": true}]"#,
            r#"[{'product_id': 261710, 'name': 'Côte d\'Ivoire "x"', 'date_removed': None, 'ok': True}]"#,
        ] {
            assert_eq!(list(text), Some(expected.clone()), "{text}");
        }
        assert_eq!(list("[261710, '811010']"), Some(vec![json!(261_710), json!("811010")]));
        for text in ["261710, 811010", "", "[", "[1,]x", "[{'a]", "[}]"] {
            assert_eq!(list(text), None, "{text}");
        }
    }
}
