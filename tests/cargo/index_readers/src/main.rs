//! Asks and reads an index as crates-index and tame-index do; whoever runs it makes the requests.
//!
//! `requests INDEX NAME...` prints the URLs that they ask for, `read INDEX FOLDER NAME...` what they make of the
//! answers, which are files of the folder: config.json, and one of each name.

use std::{env, error::Error, fs, path::Path};

use tame_index::index::{FileLock, IndexConfig, IndexLocation, IndexUrl};
use tame_index::{IndexKrate, KrateName, PathBuf, SparseIndex};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let (command, index, rest) = (&words[0], &words[1], &words[2..]);
    match command.as_str() {
        "requests" => requests(index, rest),
        _ => read(index, Path::new(&rest[0]), &rest[1..]),
    }
}

fn ours(index: &str) -> Result<crates_index::SparseIndex, Box<dyn Error>> {
    let home = env::temp_dir().join(format!("crates-index-{}", std::process::id()));
    Ok(crates_index::SparseIndex::with_path(home, index)?)
}

fn requests(index: &str, names: &[String]) -> Result<(), Box<dyn Error>> {
    let crates_index = ours(index)?;
    println!("{}", crates_index.make_config_request()?.body(())?.uri());
    let home = PathBuf::from_path_buf(env::temp_dir().join(format!("tame-index-{}", std::process::id()))).unwrap();
    let tame = SparseIndex::new(IndexLocation::new(IndexUrl::NonCratesIo(index.into())).with_root(Some(home)))?;
    for name in names {
        println!("{}", crates_index.make_cache_request(name)?.body(())?.uri());
        let request = tame.make_remote_request(KrateName::try_from(name.as_str())?, None, &FileLock::unlocked())?;
        println!("{}", request.uri());
    }
    Ok(())
}

fn read(index: &str, folder: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    let crates_index = ours(index)?;
    let config = fs::read(folder.join("config.json"))?;
    let answer = http::Response::builder().status(200).body(config.clone())?;
    let theirs = crates_index.parse_config_response(answer, false)?;
    let dl = theirs.dl.clone();
    let tame_config = IndexConfig { dl, api: None, auth_required: false };
    for name in names {
        let body = fs::read(folder.join(name))?;
        let answer = http::Response::builder().status(200).body(body.clone())?;
        let krate = crates_index.parse_cache_response(name, answer, false)?.unwrap();
        for version in krate.versions() {
            let url = version.download_url(&theirs).unwrap_or_default();
            say("crates-index", version.name(), version.version(), version.checksum(), version.is_yanked(), &url);
        }
        for version in IndexKrate::from_slice(&body)?.versions {
            let url = version.download_url(&tame_config).unwrap_or_default();
            say("tame-index", &version.name, &version.version, version.checksum(), version.is_yanked(), &url);
        }
    }
    Ok(())
}

fn say(reader: &str, name: &str, version: &str, checksum: &[u8; 32], yanked: bool, url: &str) {
    let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{reader}\t{name}\t{version}\t{checksum}\t{yanked}\t{url}");
}
