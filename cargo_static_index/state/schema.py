"""The state's tables, and every statement that is run on them.

They stand here together so that a test can ask SQLite how it would run each one: none may read a whole table.
Folders, files and paths are BLOBs, because names on a disk need not be UTF-8.
"""

from hashlib import blake2b

TABLES = """
CREATE TABLE site (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL);
CREATE TABLE tally (what TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO tally VALUES ('crates', 0), ('releases', 0), ('refused', 0), ('refusals', 0);

CREATE TABLE crate (key TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE release (
    name TEXT NOT NULL, vers TEXT NOT NULL, cksum TEXT NOT NULL,
    yanked INTEGER NOT NULL, pubtime TEXT,
    PRIMARY KEY (name, vers)
) WITHOUT ROWID;
CREATE INDEX release_newest ON release (pubtime DESC, name, vers) WHERE pubtime IS NOT NULL;

CREATE TABLE removed (
    name TEXT NOT NULL, vers TEXT NOT NULL, cksum TEXT NOT NULL, yanked INTEGER NOT NULL, pubtime TEXT, at TEXT,
    PRIMARY KEY (name, vers)
) WITHOUT ROWID;
CREATE INDEX removed_key ON removed (replace(lower(name), '_', '-'));
CREATE TABLE indexed (path TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE search_stale (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER indexed_came AFTER INSERT ON indexed WHEN new.path != '' BEGIN
    INSERT OR IGNORE INTO search_stale VALUES (new.path);
    INSERT OR IGNORE INTO need_stale VALUES (new.path);
END;
CREATE TRIGGER indexed_went AFTER DELETE ON indexed WHEN old.path != '' BEGIN
    INSERT OR IGNORE INTO search_stale VALUES (old.path);
    INSERT OR IGNORE INTO need_stale VALUES (old.path);
END;
CREATE TABLE search_crate (path TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE search_row (
    list TEXT NOT NULL, key TEXT NOT NULL, row BLOB NOT NULL, PRIMARY KEY (list, key)
) WITHOUT ROWID;
CREATE TABLE search_need (needed TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (needed, name)) WITHOUT ROWID;

CREATE TABLE need_stale (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE needed (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, name TEXT NOT NULL, req TEXT NOT NULL,
    releases INTEGER NOT NULL DEFAULT 0, held TEXT, UNIQUE (at, name, req)
);
CREATE INDEX needed_missing ON needed (name, req) WHERE held IS NOT NULL;
CREATE TABLE need (
    needed INTEGER NOT NULL, path TEXT NOT NULL, number INTEGER NOT NULL, releases TEXT NOT NULL,
    PRIMARY KEY (needed, path)
) WITHOUT ROWID;
CREATE INDEX need_of ON need (path);
CREATE TRIGGER need_came AFTER INSERT ON need BEGIN
    UPDATE needed SET releases = releases + new.number WHERE id = new.needed;
END;
CREATE TRIGGER need_went AFTER DELETE ON need BEGIN
    UPDATE needed SET releases = releases - old.number WHERE id = old.needed;
    DELETE FROM needed WHERE id = old.needed AND releases = 0;
END;

CREATE TABLE folder (path BLOB PRIMARY KEY, parent BLOB, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX folder_children ON folder (parent, path);
CREATE TABLE dropped (
    folder BLOB NOT NULL, file BLOB NOT NULL, fingerprint BLOB NOT NULL, outcome TEXT NOT NULL, judged TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    cksum TEXT NOT NULL, name TEXT NOT NULL, vers TEXT NOT NULL, problems BLOB NOT NULL,
    PRIMARY KEY (folder, file)
) WITHOUT ROWID;
CREATE INDEX dropped_refused ON dropped (folder, file) WHERE outcome = 'refused';
CREATE INDEX dropped_release ON dropped (name, vers);
CREATE INDEX dropped_judged ON dropped (judged) WHERE outcome = 'refused';
CREATE TRIGGER dropped_came AFTER INSERT ON dropped WHEN new.outcome = 'refused' BEGIN
    UPDATE tally SET number = number + 1 WHERE what IN ('refused', 'refusals');
END;
CREATE TRIGGER dropped_went AFTER DELETE ON dropped WHEN old.outcome = 'refused' BEGIN
    UPDATE tally SET number = number - 1 WHERE what = 'refused';
    UPDATE tally SET number = number + 1 WHERE what = 'refusals';
END;
CREATE TRIGGER dropped_changed AFTER UPDATE ON dropped WHEN 'refused' IN (old.outcome, new.outcome) BEGIN
    UPDATE tally SET number = number + (new.outcome = 'refused') - (old.outcome = 'refused') WHERE what = 'refused';
    UPDATE tally SET number = number + 1 WHERE what = 'refusals';
END;

CREATE TABLE stale (name TEXT PRIMARY KEY, owner TEXT NOT NULL, whole INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX stale_owner ON stale (owner, name);
CREATE TABLE listing (
    list TEXT NOT NULL, key TEXT NOT NULL, row BLOB, owner TEXT NOT NULL, PRIMARY KEY (list, key)
) WITHOUT ROWID;
CREATE INDEX listing_owner ON listing (owner, list, key);

CREATE TABLE intent (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE undelivered (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, deleted INTEGER NOT NULL);
"""

TEMPORARY_TABLES = """
CREATE TEMP TABLE seen (
    file BLOB PRIMARY KEY, fingerprint BLOB NOT NULL, changed INTEGER NOT NULL, links INTEGER NOT NULL,
    size INTEGER NOT NULL, source BLOB, problem BLOB
) WITHOUT ROWID;
CREATE TEMP TABLE candidate (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, vers TEXT NOT NULL,
    folder BLOB NOT NULL, file BLOB NOT NULL, packed BLOB NOT NULL
);
CREATE INDEX temp.candidate_key ON candidate (key, id);
"""

VERSION = int.from_bytes(blake2b(TABLES.encode(), digest_size=4).digest(), "big") >> 1 | 1
"""Changes with every change of the tables, and is never 0, which is what SQLite gives an empty database."""

SOUND = "SELECT count(*) FROM tally"
TALLIES = 4
"""What `SOUND` gives."""

SITE_GET = "SELECT value FROM site WHERE id = 1"
SITE_SET = "INSERT OR REPLACE INTO site VALUES (1, ?)"

TALLY_GET = "SELECT number FROM tally WHERE what = ?"
TALLY_ADD = "UPDATE tally SET number = number + ? WHERE what = ?"
TALLY_ZERO = "UPDATE tally SET number = 0 WHERE what IN ('crates', 'releases')"

CRATE_NAME = "SELECT name FROM crate WHERE key = ?"
CRATE_NAMES = "SELECT key, name FROM crate WHERE key IN (SELECT value FROM json_each(?))"
CRATE_PAGE = "SELECT key, name FROM crate WHERE key > ? ORDER BY key LIMIT ?"
CRATE_INSERT = "INSERT OR IGNORE INTO crate VALUES (?, ?)"
CRATE_DELETE = "DELETE FROM crate WHERE key = ?"
CRATE_CLEAR = "DELETE FROM crate"
RELEASES_OF = "SELECT vers, cksum, yanked, pubtime FROM release WHERE name = ?"
VERSIONS_OF = "SELECT name, vers FROM release WHERE name IN (SELECT value FROM json_each(?)) AND yanked = 0"
CHECKSUMS_OF = """
SELECT name, vers, cksum FROM json_each(?) AS wanted CROSS JOIN release
ON name = json_extract(wanted.value, '$[0]') AND vers = json_extract(wanted.value, '$[1]')
"""
RELEASES_NEWEST = """
SELECT name, vers, cksum, yanked, pubtime FROM release WHERE pubtime IS NOT NULL
ORDER BY pubtime DESC, name, vers LIMIT ?
"""
CRATES_NEWEST = """
SELECT name, pubtime FROM release WHERE pubtime IS NOT NULL
GROUP BY pubtime, name ORDER BY pubtime DESC, name LIMIT ?
"""
RELEASE_INSERT = "INSERT OR IGNORE INTO release VALUES (?, ?, ?, ?, ?)"
RELEASE_UPDATE = "UPDATE release SET cksum = ?, yanked = ?, pubtime = ? WHERE name = ? AND vers = ?"
RELEASE_DELETE = "DELETE FROM release WHERE name = ? AND vers = ?"
RELEASE_ANY = "SELECT 1 FROM release WHERE name = ? LIMIT 1"
RELEASES_CLEAR = "DELETE FROM release"
REMOVED_OF = "SELECT vers, cksum, yanked, pubtime, at FROM removed WHERE name = ?"
REMOVED_CRATES = "SELECT DISTINCT name FROM removed WHERE name > ? ORDER BY name LIMIT ?"
REMOVED_NAMES = """
SELECT DISTINCT replace(lower(name), '_', '-'), name FROM removed
WHERE replace(lower(name), '_', '-') IN (SELECT value FROM json_each(?))
"""
REMOVED_SET = "INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?, ?, ?)"
REMOVED_DELETE = "DELETE FROM removed WHERE name = ? AND vers = ?"
REMOVED_CLEAR = "DELETE FROM removed"

INDEXED_GET = "SELECT digest FROM indexed WHERE path = ?"
INDEXED_SET = "INSERT OR REPLACE INTO indexed VALUES (?, ?)"
INDEXED_DELETE = "DELETE FROM indexed WHERE path = ?"
INDEXED_CLEAR = "DELETE FROM indexed"

SEARCH_STALE = "SELECT path FROM search_stale WHERE path >= '' ORDER BY path LIMIT ?"
SEARCH_SETTLE = "DELETE FROM search_stale WHERE path = ?"
SEARCH_DOCUMENT = "SELECT document FROM search_crate WHERE path = ?"
SEARCH_KEEP = "INSERT OR REPLACE INTO search_crate VALUES (?, ?)"
SEARCH_FORGET = "DELETE FROM search_crate WHERE path = ?"
SEARCH_ROWS = "SELECT key, row FROM search_row WHERE list = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
SEARCH_COUNT = "SELECT count(*) FROM search_row WHERE list = ? AND key >= ? AND key < ?"
SEARCH_ROW_SET = "INSERT OR REPLACE INTO search_row VALUES (?, ?, ?)"
SEARCH_ROW_DELETE = "DELETE FROM search_row WHERE list = ? AND key = ?"
SEARCH_NEED_SET = "INSERT OR IGNORE INTO search_need VALUES (?, ?)"
SEARCH_NEED_DELETE = "DELETE FROM search_need WHERE needed = ? AND name = ?"
SEARCH_NEEDED_BY = "SELECT name FROM search_need WHERE needed = ?"

NEED_STALE = "SELECT path FROM need_stale WHERE path >= '' ORDER BY path LIMIT ?"
NEED_READ_AGAIN = "INSERT OR IGNORE INTO need_stale VALUES (?)"
NEED_SETTLE = "DELETE FROM need_stale WHERE path = ?"
NEED_OF = """
SELECT needed.name, needed.req, need.releases FROM need CROSS JOIN needed ON needed.id = need.needed
WHERE need.path = ?
"""
NEED_ADD = "INSERT INTO need SELECT id, ?, ?, ? FROM needed WHERE at = ? AND name = ? AND req = ?"
NEED_DELETE = """
DELETE FROM need WHERE path = ? AND needed = (SELECT id FROM needed WHERE at = ? AND name = ? AND req = ?)
"""
NEED_BY = """
SELECT need.path, need.releases FROM needed CROSS JOIN need ON need.needed = needed.id
WHERE needed.at = ? AND needed.name = ? AND needed.req = ? AND need.path > ? ORDER BY need.path LIMIT ?
"""
NEEDED_ADD = "INSERT OR IGNORE INTO needed (at, name, req) VALUES (?, ?, ?)"
NEEDED_AT = "SELECT name, req FROM needed WHERE at = ?"
NEEDED_JUDGE = "UPDATE needed SET held = ? WHERE at = ? AND name = ? AND req = ?"
NEEDED_MISSING = """
SELECT name, req, releases, held FROM needed WHERE held IS NOT NULL AND (name, req) > (?, ?) ORDER BY name, req LIMIT ?
"""

FOLDER_DIGEST = "SELECT digest FROM folder WHERE path = ?"
FOLDER_ADD = "INSERT OR IGNORE INTO folder VALUES (?, ?, ?)"
FOLDER_SET = "UPDATE folder SET digest = ? WHERE path = ?"
FOLDER_CHILDREN = "SELECT path FROM folder WHERE parent = ? ORDER BY path"
FOLDER_DELETE = "DELETE FROM folder WHERE path = ?"
FOLDERS_BELOW_DELETE = "DELETE FROM folder WHERE path >= ? AND path < ?"
DROPPED_GET = """
SELECT folder, file, fingerprint, outcome, first_seen, last_seen, cksum, name, vers, problems
FROM dropped WHERE folder = ? AND file = ?
"""
DROPPED_FINGERPRINT = "SELECT fingerprint FROM dropped WHERE folder = ? AND file = ?"
DROPPED_FINGERPRINTS = "SELECT file, fingerprint FROM dropped WHERE folder = ? LIMIT ?"
DROPPED_INSERT = "INSERT OR IGNORE INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DROPPED_UPSERT = """
INSERT INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (folder, file) DO UPDATE SET
    fingerprint = excluded.fingerprint, outcome = excluded.outcome, judged = excluded.judged,
    last_seen = excluded.last_seen,
    cksum = excluded.cksum, name = excluded.name, vers = excluded.vers, problems = excluded.problems
"""
DROPPED_DELETE = "DELETE FROM dropped WHERE folder = ? AND file = ?"
DROPPED_IN_DELETE = "DELETE FROM dropped WHERE folder = ?"
DROPPED_BELOW_DELETE = "DELETE FROM dropped WHERE folder >= ? AND folder < ?"
DROPPED_REFUSED = """
SELECT folder, file, fingerprint, outcome, first_seen, last_seen, cksum, name, vers, problems
FROM dropped WHERE outcome = 'refused' AND (folder, file) > (?, ?) ORDER BY folder, file LIMIT ?
"""
REFUSED_BEFORE = "SELECT folder, file FROM dropped WHERE outcome = 'refused' AND judged < ? LIMIT ?"
REFUSED_AFTER = "SELECT folder, file FROM dropped WHERE outcome = 'refused' AND judged > ? LIMIT ?"
DROPPED_OF_RELEASE = "SELECT folder, file FROM dropped WHERE name = ? AND vers = ?"
DROPPED_UNPUBLISHED = """
SELECT folder, file FROM dropped
WHERE (folder, file) > (?, ?) AND outcome IN ('published', 'unchanged') AND NOT EXISTS (
    SELECT 1 FROM release
    WHERE release.name = dropped.name AND release.vers = dropped.vers AND release.cksum = dropped.cksum
)
ORDER BY folder, file LIMIT ?
"""
DROPPED_REOPEN = "UPDATE dropped SET fingerprint = x'', outcome = 'waiting' WHERE folder = ? AND file = ?"

SEEN_CLEAR = "DELETE FROM temp.seen"
SEEN_INSERT = "INSERT OR REPLACE INTO temp.seen VALUES (?, ?, ?, ?, ?, ?, ?)"
SEEN_CHANGED = """
SELECT seen.file, seen.fingerprint, seen.changed, seen.links, seen.size, seen.source, seen.problem
FROM temp.seen LEFT JOIN dropped ON dropped.folder = ? AND dropped.file = seen.file
WHERE seen.file > ? AND dropped.fingerprint IS NOT seen.fingerprint
ORDER BY seen.file LIMIT ?
"""
DROPPED_VANISHED = """
SELECT file FROM dropped WHERE folder = ? AND NOT EXISTS (SELECT 1 FROM temp.seen WHERE seen.file = dropped.file)
LIMIT ?
"""

STALE_INSERT = """
INSERT INTO stale VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, whole = max(whole, excluded.whole)
"""
STALE_PAGE = "SELECT name, whole FROM stale WHERE owner = ? ORDER BY name LIMIT ?"
STALE_DELETE = "DELETE FROM stale WHERE owner = ? AND name = ?"
STALE_ADOPT = "UPDATE stale SET owner = ? WHERE owner = ?"
STALE_OWNER = "SELECT owner FROM stale WHERE owner > ? ORDER BY owner LIMIT 1"
STALE_ANY = "SELECT 1 FROM stale WHERE owner >= '' LIMIT 1"
STALE_CLEAR = "DELETE FROM stale"
LISTING_SET = "INSERT OR REPLACE INTO listing VALUES (?, ?, ?, ?)"
LISTING_INSERT = "INSERT OR IGNORE INTO listing VALUES (?, ?, ?, ?)"
LISTING_NEXT = "SELECT list FROM listing WHERE owner = ? AND list > ? ORDER BY list LIMIT 1"
LISTING_PAGE = "SELECT key, row FROM listing WHERE owner = ? AND list = ? ORDER BY key LIMIT ?"
LISTING_DELETE = "DELETE FROM listing WHERE owner = ? AND list = ? AND key <= ?"
LISTING_ADOPT = "UPDATE listing SET owner = ? WHERE owner = ?"
LISTING_OWNER = "SELECT owner FROM listing WHERE owner > ? ORDER BY owner LIMIT 1"
LISTING_ANY = "SELECT 1 FROM listing WHERE owner >= '' LIMIT 1"
LISTING_CLEAR = "DELETE FROM listing"

UNDELIVERED_ADD = "INSERT OR REPLACE INTO undelivered (path, deleted) VALUES (?, ?)"
UNDELIVERED_PAGE = "SELECT id, path, deleted FROM undelivered WHERE id > 0 ORDER BY id LIMIT ?"
UNDELIVERED_DELETE = "DELETE FROM undelivered WHERE id <= ?"
UNDELIVERED_COUNT = "SELECT count(*) FROM (SELECT 1 FROM undelivered WHERE id > 0 LIMIT ?)"

INTENT_BEGIN = "INSERT OR IGNORE INTO intent VALUES (?)"
INTENT_FINISH = "DELETE FROM intent WHERE path = ?"
INTENT_PAGE = "SELECT path FROM intent WHERE path > ? ORDER BY path LIMIT ?"

CANDIDATE_INSERT = "INSERT INTO temp.candidate VALUES (NULL, ?, ?, ?, ?, ?, ?)"
CANDIDATE_KEYS = "SELECT DISTINCT key FROM temp.candidate WHERE key > ? ORDER BY key LIMIT ?"
CANDIDATE_BETWEEN = "SELECT key, packed FROM temp.candidate WHERE key BETWEEN ? AND ? ORDER BY key, id"
CANDIDATE_WITHOUT = "SELECT id, packed FROM temp.candidate WHERE key = '' AND id > ? ORDER BY id LIMIT ?"
CANDIDATE_NAMES = """
SELECT key, min(name) FROM temp.candidate WHERE key IN (SELECT value FROM json_each(?)) GROUP BY key
"""
CANDIDATE_VERSIONS = """
SELECT name, vers FROM temp.candidate WHERE key IN (SELECT value FROM json_each(?)) AND vers != ''
"""
CANDIDATE_FILES = "CREATE INDEX IF NOT EXISTS temp.candidate_file ON candidate (folder, file)"
CANDIDATE_HOLDS = "SELECT 1 FROM temp.candidate WHERE folder = ? AND file = ? LIMIT 1"
CANDIDATES_REFUSED = """
SELECT count(*) FROM temp.candidate CROSS JOIN dropped USING (folder, file) WHERE dropped.outcome = 'refused'
"""
CANDIDATES_COUNT = "SELECT count(*) FROM temp.candidate"
CANDIDATE_CLEAR = "DELETE FROM temp.candidate"
