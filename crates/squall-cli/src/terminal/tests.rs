use clap::CommandFactory;
use expect_test::expect;

use super::*;

const TEXT: &str = "\
Examples:
  squall do JOB                  do it
  squall do JOB --with-a-flag    do it and then say at length what was done
  squall do --everything-that-can-be-done-with-a-very-long-command-line    all of it

Where it is:
  1. --here
  2. there, as one, two,
     three
It is done in a way that needs many words to explain, and so a line of it is full and goes on in the
next. Which ends here.
A line of its own.";

#[test]
fn texts_are_broken_where_the_terminal_ends() {
    expect![[r#"
        Examples:
          squall do JOB                  do it
          squall do JOB --with-a-flag    do it and then say at
                                         length what was done
          squall do
             --everything-that-can-be-done-with-a-very-long-command-line
             all of it

        Where it is:
          1. --here
          2. there, as one, two, three
        It is done in a way that needs many words to explain,
        and so a line of it is full and goes on in the next.
        Which ends here.
        A line of its own."#]]
    .assert_eq(&broken(TEXT, 54));
    assert_eq!(broken(TEXT, 54), broken(&broken(TEXT, 54), 54));
}

/// Every help text, by its command.
fn texts(command: &Command, found: &mut Vec<(String, String)>) {
    found.extend(command.get_after_help().map(|text| (command.get_name().to_owned(), text.to_string())));
    command.get_subcommands().for_each(|it| texts(it, found));
}

#[test]
fn all_help_fits_80_columns_and_loses_no_word() {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    texts(&crate::Args::command(), &mut before);
    texts(&fit(crate::Args::command(), 80), &mut after);
    assert!(before.len() > 10);
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        for line in after.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(before), words(after), "{name}");
    }
}
