//! Reads one question a line on stdin and prints one answer a line; what does not parse is `error`.
//!
//! ```text
//! version X      the version as printed
//! req X          the requirement as printed
//! target X       `ok`
//! cmp A B        `Less`, `Equal` or `Greater`
//! matches R V    `true` or `false`; R may have blanks
//! ```

use std::error::Error;
use std::io::{self, Read};

use cargo_platform::Platform;
use semver::{Version, VersionReq};

fn answer(question: &str) -> Result<String, Box<dyn Error>> {
    let (verb, rest) = question.split_once(' ').ok_or("a question is a verb, a blank, and the rest")?;
    match verb {
        "version" => Ok(rest.parse::<Version>()?.to_string()),
        "req" => Ok(rest.parse::<VersionReq>()?.to_string()),
        "target" => Ok(rest.parse::<Platform>().map(|_| "ok".to_string())?),
        "cmp" => {
            let (left, right) = rest.split_once(' ').ok_or("two versions")?;
            Ok(format!("{:?}", left.parse::<Version>()?.cmp(&right.parse()?)))
        }
        "matches" => {
            let (requirement, version) = rest.rsplit_once(' ').ok_or("a requirement and a version")?;
            Ok(requirement.parse::<VersionReq>()?.matches(&version.parse()?).to_string())
        }
        _ => Err("an unknown verb".into()),
    }
}

fn main() -> io::Result<()> {
    let mut questions = String::new();
    io::stdin().read_to_string(&mut questions)?;
    for question in questions.split_terminator('\n') {
        println!("{}", answer(question).unwrap_or_else(|_| "error".to_string()));
    }
    Ok(())
}
