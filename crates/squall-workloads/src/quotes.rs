//! Quotes that do not close where their field ends: a reader that is lenient with them lets one record swallow others.

use squall_core::workload::InputError;

/// Why a file's quotes are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// A quote opens at this line and column, and does not close before the line or the file ends.
    Open(u64, usize),
    /// A field that opened with a quote goes on after the one that closes it.
    GoesOn(u64, usize),
    /// A quote follows spaces at the start of a field: is it part of the text, or not?
    AfterSpaces(u64, usize),
}

/// Where in a field the scan is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    /// After spaces at its start.
    Spaces,
    Plain,
    Inside,
    /// After a quote inside: it closed the field, or the next one makes it a quote of the text.
    AfterQuote,
    /// After the quote that closed it, and spaces.
    Closed,
}

/// Checks the quotes of a file; no field has a use for a line break.
///
/// # Errors
/// The first that is wrong.
pub(crate) fn check(file_name: &str, bytes: &[u8]) -> Result<(), InputError> {
    let ((line, column), problem) = match scan(bytes) {
        Ok(()) => return Ok(()),
        Err(Wrong::AfterSpaces(line, column)) => (
            (line, column),
            "a space stands before the quote that opens this field; remove the space, or the quotes",
        ),
        Err(Wrong::Open(line, column)) => {
            ((line, column), "a quote opens here and does not close on this line; close it, or remove it")
        }
        Err(Wrong::GoesOn(line, column)) => (
            (line, column),
            "this field goes on after its closing quote; write a quote inside of it twice, as in \"5\"\" pipe\"",
        ),
    };
    Err(InputError::new(format!("{file_name}:{line}:{column}"), problem))
}

fn scan(bytes: &[u8]) -> Result<(), Wrong> {
    if !bytes.contains(&b'"') {
        return Ok(());
    }
    let (mut line, mut column, mut at) = (1, 1, At::Start);
    let mut before = 0;
    for byte in bytes {
        let ends_line = *byte == b'\n' || *byte == b'\r';
        at = match (at, *byte) {
            (At::Inside, _) if ends_line => return Err(Wrong::Open(line, column)),
            (At::Inside, b'"') => At::AfterQuote,
            (At::AfterQuote, b'"') | (At::Inside, _) => At::Inside,
            (At::Start, b'"') => At::Inside,
            (At::Spaces, b'"') => return Err(Wrong::AfterSpaces(line, column)),
            (_, b',') => {
                column += 1;
                At::Start
            }
            _ if ends_line => {
                // A carriage return and a line feed are one end.
                line += u64::from(!(*byte == b'\n' && before == b'\r'));
                column = 1;
                At::Start
            }
            (At::AfterQuote | At::Closed, b' ' | b'\t') => At::Closed,
            (At::AfterQuote | At::Closed, _) => return Err(Wrong::GoesOn(line, column)),
            (At::Start | At::Spaces, b' ' | b'\t') => At::Spaces,
            (At::Start | At::Spaces | At::Plain, _) => At::Plain,
        };
        before = *byte;
    }
    if at == At::Inside { Err(Wrong::Open(line, column)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_close_where_its_field_ends_is_found_where_it_opened() {
        for (text, expected) in [
            ("a,b\n1,2\n", Ok(())),
            ("a,b\n\"1\",\"x, y\"\n", Ok(())),
            ("a,b\r\n\"say \"\"yes\"\"\",2\r\n\"\",3\r\n", Ok(())),
            ("a,b\n5\" pipe,2\n", Ok(())),
            ("a,b\n\"1\" ,2\n", Ok(())),
            ("a,b\n\"1\"", Ok(())),
            ("a,b\n1,\"Core\n2,Core\n", Err(Wrong::Open(2, 2))),
            ("a,b\n1,2\n3,\"x\ny\"\n", Err(Wrong::Open(3, 2))),
            ("a,b\r\n\r\n\"1,2", Err(Wrong::Open(3, 1))),
            ("a,b\n1,\"x\"\"\n2,y\n", Err(Wrong::Open(2, 2))),
            ("a,b\n1,\"x\"y\n", Err(Wrong::GoesOn(2, 2))),
            ("a,b\n\"1\" 2,3\n", Err(Wrong::GoesOn(2, 1))),
            ("a,b\n\"1\" \"2\",3\n", Err(Wrong::GoesOn(2, 1))),
            ("a,b\n1,\"A\" \",\"\n2,B\n", Err(Wrong::GoesOn(2, 2))),
            ("a,b\n1, \"Core\"\n", Err(Wrong::AfterSpaces(2, 2))),
            ("a,b\n 1 , x \"y\" \n", Ok(())),
        ] {
            assert_eq!(scan(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]
        /// Whatever passes has as many records for the reader as it has lines that are not blank.
        #[test]
        fn no_record_swallows_another(text in "[a\", \n\r]{0,12}") {
            if scan(text.as_bytes()).is_err() {
                return Ok(());
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let n_records = reader.records().count();
            let n_lines = text.split(['\n', '\r']).filter(|line| !line.is_empty()).count();
            proptest::prop_assert_eq!(n_records, n_lines, "{:?}", text);
        }
    }
}
