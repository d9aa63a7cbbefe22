//! How a JSON value becomes bytes.

use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use crate::cases::Form;

/// The bytes that are signed: OLPC canonical JSON, in which only `"` and `\` are escaped.
pub(super) fn signed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, value, &|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    bytes
}

/// The bytes that are sent.
pub(super) fn sent(value: &Value, form: Form) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match form {
        // As it is signed, but valid JSON: control characters are escaped.
        Form::Canonical => write(&mut bytes, value, &|text| Value::from(text).to_string()),
        Form::Pretty => {
            let formatter = PrettyFormatter::with_indent(b" ");
            value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
        }
    }
    Ok(bytes)
}

fn write(bytes: &mut Vec<u8>, value: &Value, quote: &dyn Fn(&str) -> String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => bytes.extend(value.to_string().into_bytes()),
        Value::String(text) => bytes.extend(quote(text).into_bytes()),
        Value::Array(items) => {
            bytes.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(bytes, index);
                write(bytes, item, quote);
            }
            bytes.push(b']');
        }
        Value::Object(members) => write_object(bytes, members, quote),
    }
}

fn write_object(bytes: &mut Vec<u8>, members: &Map<String, Value>, quote: &dyn Fn(&str) -> String) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    bytes.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        separate(bytes, index);
        bytes.extend(quote(name).into_bytes());
        bytes.push(b':');
        write(bytes, value, quote);
    }
    bytes.push(b'}');
}

fn separate(bytes: &mut Vec<u8>, index: usize) {
    if index > 0 {
        bytes.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_in_order_and_newlines_as_they_are_only_where_signed() {
        let value = json!({ "b": "x\n\"", "a": [1, true] });
        assert_eq!(signed(&value), b"{\"a\":[1,true],\"b\":\"x\n\\\"\"}");
        assert_eq!(sent(&value, Form::Canonical).unwrap(), br#"{"a":[1,true],"b":"x\n\""}"#);
        assert_eq!(sent(&json!({ "b": 1, "a": [] }), Form::Pretty).unwrap(), b"{\n \"a\": [],\n \"b\": 1\n}");
    }
}
