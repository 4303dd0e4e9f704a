//! Unpacks archives as cargo does (src/cargo/sources/registry/mod.rs, `unpack`), and says what came of each.
//!
//! Stdin holds archives, each behind its length (four bytes, the lowest first). They are unpacked one after the other
//! below the folder that the first argument names; the second argument is the name of the one directory that they may
//! have. For each, one line is printed:
//!
//! ```text
//! ok PATH:SIZE:CRC …     the files that lie there, the path in hex, the CRC-32 of the content in decimal
//! no REASON              why cargo refuses it
//! ```

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use flate2::Crc;
use tar::Archive;

const UMASK: u32 = 0o022;
const MAX_UNPACK_SIZE: u64 = 512 * 1024 * 1024;
const MAX_COMPRESSION_RATIO: u64 = 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Fails where more than so many bytes are read, as cargo's `LimitErrorReader`.
struct Limited<R> {
    inner: io::Take<R>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(0) if self.inner.limit() == 0 => Err(io::Error::other("maximum limit reached when reading")),
            other => other,
        }
    }
}

fn unpack(archive: &[u8], parent: &Path, prefix: &str) -> Outcome<()> {
    let limit = MAX_UNPACK_SIZE.max(archive.len() as u64 * MAX_COMPRESSION_RATIO);
    let mut tar = Archive::new(Limited { inner: GzDecoder::new(archive).take(limit) });
    tar.set_mask(UMASK);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.strip_prefix(prefix).is_err() {
            return Err("contains a file that is not under its directory".into());
        }
        if path.file_name() == Some(OsStr::new(".cargo-ok")) {
            continue;
        }
        entry.unpack_in(parent)?;
    }
    fs::write(parent.join(prefix).join(".cargo-ok"), b"")?;
    Ok(())
}

fn list(folder: &Path, top: &Path, found: &mut String) -> Outcome<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| entry.map(|it| it.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            list(&path, top, found)?;
        } else if kind.is_file() && path.file_name() != Some(OsStr::new(".cargo-ok")) {
            let content = fs::read(&path)?;
            let mut crc = Crc::new();
            crc.update(&content);
            found.push(' ');
            for byte in path.strip_prefix(top)?.as_os_str().as_bytes() {
                write!(found, "{byte:02x}")?;
            }
            write!(found, ":{}:{}", content.len(), crc.sum())?;
        } else if !kind.is_file() {
            return Err("unpacks something that is neither a file nor a directory".into());
        }
    }
    Ok(())
}

fn answer(archive: &[u8], parent: &Path, prefix: &str) -> Outcome<String> {
    let top = parent.join(prefix);
    fs::create_dir_all(&top)?;
    let mut found = String::from("ok");
    let unpacked = unpack(archive, parent, prefix).and_then(|()| list(&top, &top, &mut found));
    // What an archive's modes keep us from removing, whoever gave the folder removes.
    fs::remove_dir_all(parent).ok();
    unpacked.map(|()| found)
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let parent = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let prefix = arguments.next().ok_or("name the directory of the archives")?;
    let mut input = io::stdin().lock();
    let mut output = BufWriter::new(io::stdout().lock());
    let mut length = [0; 4];
    for number in 0.. {
        if input.read_exact(&mut length).is_err() {
            break;
        }
        let mut archive = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut archive)?;
        match answer(&archive, &parent.join(number.to_string()), &prefix) {
            Ok(found) => writeln!(output, "{found}")?,
            Err(error) => writeln!(output, "no {}", error.to_string().replace('\n', " "))?,
        }
    }
    Ok(())
}
