//! A crontab, line by line, as cronie reads it.

use xcron_core::Schedule;
use xcron_http::client::{Body, Callback, NewTask};

/// The most bytes of a task's name.
const NAME_BYTES_MAX: usize = 256;

/// What does not depend on the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    /// The zone of lines before the first that sets one; none: the server's.
    pub(super) zone: Option<&'a str>,
    /// Whether a user stands before each command, as in /etc/crontab.
    pub(super) has_users: bool,
    /// What ids begin with.
    pub(super) id_prefix: &'a str,
    /// What is called; `{id}` stands for the id.
    pub(super) url: &'a str,
}

/// What a crontab says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crontab {
    pub(super) tasks: Vec<NewTask>,
    /// What became no task, with the number of its line.
    pub(super) bad: Vec<(usize, String)>,
    /// What is not honoured, with the number of its line.
    pub(super) notes: Vec<(usize, String)>,
}

impl Crontab {
    pub(super) fn read(text: &str, manner: Manner<'_>) -> Self {
        let mut read = Self::default();
        let mut zone = manner.zone.map(str::to_owned);
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = variable(line) {
                match name {
                    "CRON_TZ" | "TZ" => zone = Some(value.to_owned()),
                    _ => read.notes.push((number, format!("{name} is not set for the command"))),
                }
                continue;
            }
            match job(line, zone.as_deref(), manner) {
                Ok(mut task) => {
                    read.distinguish(&mut task);
                    read.tasks.push(task);
                }
                Err(problem) => read.bad.push((number, problem)),
            }
        }
        read
    }

    /// Gives the second of two lines that say the same an id of its own.
    fn distinguish(&self, task: &mut NewTask) {
        let Some(id) = task.task_id.clone() else { return };
        let is_taken = |id: &str| self.tasks.iter().any(|t| t.task_id.as_deref() == Some(id));
        let numbered = (2..).map(|number| format!("{id}-{number}"));
        task.task_id = std::iter::once(id.clone()).chain(numbered).find(|id| !is_taken(id));
    }
}

/// A line that sets a variable: its name, and its value without quotes.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let quoted = |mark| value.strip_prefix(mark).and_then(|rest: &str| rest.strip_suffix(mark));
    is_name.then(|| (name, quoted('"').or_else(|| quoted('\'')).unwrap_or(value)))
}

/// The task of a line.
fn job(line: &str, zone: Option<&str>, manner: Manner<'_>) -> Result<NewTask, String> {
    // A dash keeps cronie from logging the line.
    let line = line.strip_prefix('-').unwrap_or(line);
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (expression, mut rest) = words(line, fields)?;
    if expression == "@reboot" {
        return Err("@reboot is no time: nothing was made of it".to_owned());
    }
    if manner.has_users {
        rest = words(rest, 1)?.1;
    }
    if rest.is_empty() {
        return Err("there is no command".to_owned());
    }
    Schedule::parse_cron(&expression, zone.unwrap_or("UTC")).map_err(|error| error.to_string())?;
    let (command, stdin) = command(rest);
    let said = format!("{}\n{expression}\n{rest}", zone.unwrap_or_default());
    let id = format!("{}{:016x}", manner.id_prefix, fingerprint(&said));
    let mut body = serde_json::json!({ "command": command });
    if let Some(stdin) = stdin {
        body["stdin"] = stdin.into();
    }
    let mut callback = Callback::new(manner.url.replace("{id}", &id));
    callback.body = Body::Json(body.to_string()).into();
    let mut task = NewTask::periodic(expression, callback).with_id(id);
    task.options.name = shortened(&command).into();
    task.options.timezone = zone.map(str::to_owned).into();
    Ok(task)
}

/// The first `count` words, one blank apart, and what follows them.
fn words(line: &str, count: usize) -> Result<(String, &str), String> {
    let mut rest = line.trim_start();
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let (word, after) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
        if word.is_empty() {
            return Err(format!("it has {} fields and no command", words.len()));
        }
        words.push(word);
        rest = after.trim_start();
    }
    Ok((words.join(" "), rest))
}

/// The command, and what it gets on stdin: a `%` ends a line of it unless it is escaped.
fn command(text: &str) -> (String, Option<String>) {
    // No text holds this character: it is refused in every field of a task.
    let lines = text.replace("\\%", "\0").replace('%', "\n").replace('\0', "%");
    match lines.split_once('\n') {
        None => (lines, None),
        Some((command, stdin)) => (command.trim_end().to_owned(), Some(format!("{stdin}\n"))),
    }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// FNV-1a: the same in every version of this program.
fn fingerprint(text: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::{Crontab, Manner};

    const MANNER: Manner<'_> =
        Manner { zone: None, has_users: false, id_prefix: "c-", url: "http://a/{id}" };

    /// Zone, expression and body of the only line.
    fn one(text: &str, manner: Manner<'_>) -> (Option<String>, String, String) {
        let mut read = Crontab::read(text, manner);
        assert_eq!((read.tasks.len(), &read.bad[..]), (1, &[][..]), "{text}");
        let task = read.tasks.remove(0);
        let body = serde_json::to_string(&task.callback.body).expect("JSON");
        (task.options.timezone.value().cloned(), task.format, body)
    }

    #[test]
    fn a_line_becomes_a_task() {
        let utc = |expression: &str, body: &str| (None, expression.to_owned(), body.to_owned());
        for (line, expected) in [
            ("0 9 * * 1-5 echo hi", utc("0 9 * * 1-5", r#"{"command":"echo hi"}"#)),
            ("  -*/5\t* *  * *   a  b ", utc("*/5 * * * *", r#"{"command":"a  b"}"#)),
            ("@daily x=1 y", utc("@daily", r#"{"command":"x=1 y"}"#)),
            (r"@hourly date +\%F", utc("@hourly", r#"{"command":"date +%F"}"#)),
            ("@hourly mail%a%b", utc("@hourly", r#"{"command":"mail","stdin":"a\nb\n"}"#)),
        ] {
            assert_eq!(one(line, MANNER), expected, "{line}");
        }
        let system = Manner { has_users: true, ..MANNER };
        assert_eq!(one("@daily root ls -l", system), utc("@daily", r#"{"command":"ls -l"}"#));
    }

    #[test]
    fn a_zone_holds_from_its_line_on() {
        let text = "@daily a\nCRON_TZ = Europe/Paris\n@daily b\nTZ=\"Asia/Tokyo\"\n@daily c";
        let read = Crontab::read(text, Manner { zone: Some("UTC"), ..MANNER });
        let zones: Vec<_> =
            read.tasks.iter().filter_map(|task| task.options.timezone.value()).collect();
        assert_eq!(zones, ["UTC", "Europe/Paris", "Asia/Tokyo"]);
    }

    #[test]
    fn bad_lines_are_named_by_their_numbers_and_the_others_are_read() {
        let text = "# remark\n\nMAILTO=me\n@reboot x\n@daily ok\n61 * * * * x\n* * * * *\n* *\n";
        let read = Crontab::read(text, MANNER);
        assert_eq!(read.tasks.len(), 1);
        assert_eq!(read.notes, [(3, "MAILTO is not set for the command".to_owned())]);
        let bad: Vec<_> = read.bad.iter().map(|(line, why)| (*line, why.as_str())).collect();
        let expected = [
            (4, "@reboot is no time: nothing was made of it"),
            (6, "minute: `61` is out of range, expected 0 to 59"),
            (7, "there is no command"),
            (8, "it has 2 fields and no command"),
        ];
        assert_eq!(bad, expected);
        let zone = Crontab::read("TZ=Mars/Olympus\n@daily x", MANNER);
        assert!(zone.bad[0].1.contains("Mars/Olympus"), "{:?}", zone.bad);
    }

    #[test]
    fn ids_follow_from_what_a_line_says_and_differ() {
        let ids = |text: &str| -> Vec<String> {
            let read = Crontab::read(text, MANNER);
            read.tasks.into_iter().filter_map(|task| task.task_id).collect()
        };
        let first = ids("@daily a\n@daily a\n@daily b");
        let moved = ids("# moved\n@daily  b\n\n@daily a\n@daily a");
        assert_eq!(moved, [&first[2], &first[0], &first[1]].map(Clone::clone));
        assert_eq!(first[1], format!("{}-2", first[0]));
        assert_eq!(ids("@daily b"), [first[2].clone()]);
        assert_eq!(ids("@daily a"), ["c-4b5f70ea593eda59"]);
        let read = Crontab::read("@daily a", MANNER);
        assert_eq!(read.tasks[0].callback.url, format!("http://a/{}", first[0]));
    }
}
