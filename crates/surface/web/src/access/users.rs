//! `users.json` of the data folder: who may log in, and with which tokens. Passwords are there as
//! argon2id, tokens as a hash; only the owner of the folder may read the file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::time::SystemTime;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shelf_domain::{Actor, StoreId};
use shelf_host::Folder;

use super::Role;
use crate::error::WebError;

/// The version of the file.
const FORMAT: u32 = 1;
/// The shortest password, in characters.
const PASSWORD_LEAST: usize = 10;
/// The longest password, in bytes: hashing more is work for nothing.
const PASSWORD_MOST: usize = 1_024;
/// The most users.
const USERS: usize = 1_000;
/// The most tokens of a user.
const TOKENS: usize = 50;
/// How a token begins, so that it is known where it lies about.
const TOKEN: &str = "shelf_";

/// A user, without what only the file knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name that they log in with, and under which acts are noted.
    pub name: String,
    /// What they may do.
    pub role: String,
    /// Which stores they may see; `null`: all.
    pub stores: Option<Vec<String>>,
    /// argon2id of the password; `null` where they have tokens only.
    password: Option<String>,
    /// The tokens.
    #[serde(default)]
    pub tokens: Vec<Token>,
}

/// A token, without what its owner knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it is for.
    pub label: String,
    /// SHA-256 of it, in hexadecimal.
    hash: String,
    /// Until when it is good, in seconds since 1970 by the clock.
    pub expires_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct UsersFile {
    format: u32,
    users: Vec<User>,
}

/// The users of a data folder.
#[derive(Clone, Debug)]
pub struct Users {
    path: PathBuf,
    users: Vec<User>,
    changed: Option<SystemTime>,
}

impl User {
    /// What they may do; nothing where the file says a word that is no role.
    pub fn role(&self) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == self.role)
    }

    /// Which stores they may see.
    pub(crate) fn scope(&self) -> Option<Vec<StoreId>> {
        let stores = self.stores.as_ref()?;
        Some(stores.iter().filter_map(|store| StoreId::new(store).ok()).collect())
    }
}

/// The present, in seconds since 1970.
pub(crate) fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A word that nobody can guess.
pub(crate) fn secret() -> Result<String, WebError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WebError::Users("no random bytes".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What of a secret is kept.
pub(crate) fn hashed(secret: &str) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(secret.as_bytes()) {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether a password is that of a hash. Takes about as long where there is no hash.
pub(crate) fn is_password(given: &str, hash: Option<&str>) -> bool {
    /// A hash that no password has.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2hlbGZzaGVsZnNoZWxm$\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let fits = Argon2::default().verify_password(given.as_bytes(), &parsed).is_ok();
    fits && hash.is_some() && given.len() <= PASSWORD_MOST
}

impl Users {
    /// Those of a folder; none where it has no such file.
    pub fn open(folder: &Folder) -> Result<Self, WebError> {
        let path = folder.root().join("users.json");
        let changed = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { path, users: Vec::new(), changed });
            }
            Err(error) => return Err(unread(&error)),
        };
        let mode = fs::metadata(&path).map(|meta| meta.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o077 != 0) {
            let open = "users.json can be read by others: run chmod 600 on it";
            return Err(WebError::Users(open.to_owned()));
        }
        let file: UsersFile = serde_json::from_slice(&text).map_err(|error| unread(&error))?;
        if file.format > FORMAT {
            let known =
                format!("users.json has format {}, this program knows {FORMAT}", file.format);
            return Err(WebError::Users(known));
        }
        Ok(Self { path, users: file.users, changed })
    }

    /// The same, where the file is another one by now.
    pub(crate) fn renewed(&self, folder: &Folder) -> Option<Self> {
        let changed = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        (changed != self.changed).then(|| Self::open(folder).ok()).flatten()
    }

    /// All of them.
    pub fn list(&self) -> &[User] {
        &self.users
    }

    /// The user of a name.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Adds a user, or gives one that is there another role, scope and password: none for who uses
    /// tokens only. Tokens stay.
    pub fn set(
        &mut self,
        name: &str,
        role: Role,
        stores: Option<Vec<String>>,
        password: Option<&str>,
    ) -> Result<(), WebError> {
        if name.trim().is_empty() || Actor::new(name).is_err() || name.chars().any(char::is_control)
        {
            let most = Actor::LIMIT;
            return Err(WebError::Users(format!("a name has 1 to {most} bytes, all visible")));
        }
        let password = password.map(hash_of).transpose()?;
        let role = role.code().to_owned();
        let full = self.users.len() >= USERS;
        match self.users.iter_mut().find(|user| user.name == name) {
            Some(user) => {
                let tokens = std::mem::take(&mut user.tokens);
                *user = User { name: name.to_owned(), role, stores, password, tokens };
            }
            None if full => {
                return Err(WebError::Users(format!("there are {USERS} users already")));
            }
            None => {
                let name = name.to_owned();
                self.users.push(User { name, role, stores, password, tokens: Vec::new() });
            }
        }
        self.save()
    }

    /// Takes a user out, with all tokens. Whether there was one.
    pub fn remove(&mut self, name: &str) -> Result<bool, WebError> {
        let before = self.users.len();
        self.users.retain(|user| user.name != name);
        let removed = self.users.len() < before;
        if removed {
            self.save()?;
        }
        Ok(removed)
    }

    /// Makes a token of a user, good for so many days, and returns it. Nobody can read it again.
    pub fn add_token(&mut self, name: &str, label: &str, days: u32) -> Result<String, WebError> {
        let secret = format!("{TOKEN}{}", secret()?);
        let expires_at = now_s() + i64::from(days) * 86_400;
        let Some(user) = self.users.iter_mut().find(|user| user.name == name) else {
            return Err(WebError::Users(format!("there is no user {name}")));
        };
        user.tokens.retain(|token| token.expires_at > now_s() && token.label != label);
        if user.tokens.len() >= TOKENS {
            return Err(WebError::Users(format!("{name} has {TOKENS} tokens already")));
        }
        let (label, hash) = (label.to_owned(), hashed(&secret));
        user.tokens.push(Token { label, hash, expires_at });
        self.save()?;
        Ok(secret)
    }

    /// Takes a token out. Whether there was one.
    pub fn remove_token(&mut self, name: &str, label: &str) -> Result<bool, WebError> {
        let Some(user) = self.users.iter_mut().find(|user| user.name == name) else {
            return Ok(false);
        };
        let before = user.tokens.len();
        user.tokens.retain(|token| token.label != label);
        let removed = user.tokens.len() < before;
        if removed {
            self.save()?;
        }
        Ok(removed)
    }

    /// Whose token has this hash, where it is good.
    pub(crate) fn of_token(&self, hash: &str) -> Option<&User> {
        let now = now_s();
        let good = |token: &Token| token.hash == hash && token.expires_at > now;
        self.users.iter().find(|user| user.tokens.iter().any(good))
    }

    /// The hash of a user's password.
    pub(crate) fn password_of(&self, name: &str) -> Option<String> {
        self.get(name).and_then(|user| user.password.clone())
    }

    /// Whether anybody can log in.
    pub fn anybody(&self) -> bool {
        self.users.iter().any(|user| {
            user.role().is_some() && (user.password.is_some() || !user.tokens.is_empty())
        })
    }

    fn save(&mut self) -> Result<(), WebError> {
        let temporary = self.path.with_extension("json.tmp");
        let file = UsersFile { format: FORMAT, users: self.users.clone() };
        let text = serde_json::to_vec_pretty(&file).map_err(|error| unread(&error))?;
        let write = || {
            // One that a crash has left may have other rights.
            let _ = fs::remove_file(&temporary);
            let mut options = File::options();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(|error| unread(&error))?;
        self.changed = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        Ok(())
    }
}

fn unread(error: &dyn std::fmt::Display) -> WebError {
    WebError::Users(format!("users.json cannot be used: {error}"))
}

fn hash_of(password: &str) -> Result<String, WebError> {
    if password.chars().count() < PASSWORD_LEAST || password.len() > PASSWORD_MOST {
        let most = PASSWORD_MOST;
        let rule =
            format!("a password has {PASSWORD_LEAST} characters at least, {most} bytes at most");
        return Err(WebError::Users(rule));
    }
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| unread(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_no_secret_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let mut users = Users::open(&folder).unwrap();
        assert!(!users.anybody());
        assert_eq!(
            users.set("anna", Role::Planner, None, Some("short")).unwrap_err().code(),
            "users"
        );
        assert!(users.set(" ", Role::Viewer, None, None).is_err());
        users.set("anna", Role::Planner, None, Some("correct horse battery")).unwrap();
        let token = users.add_token("anna", "till", 30).unwrap();
        let path = dir.path().join("users.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&token) && !text.contains("correct horse"));
        assert!(text.contains("$argon2id$"));
        let mut again = Users::open(&folder).unwrap();
        assert_eq!(again.of_token(&hashed(&token)).map(|user| user.name.as_str()), Some("anna"));
        assert!(again.of_token(&hashed("shelf_other")).is_none());
        let hash = again.password_of("anna");
        assert!(is_password("correct horse battery", hash.as_deref()));
        assert!(!is_password("correct horse", hash.as_deref()));
        assert!(!is_password("correct horse battery", None));
        // Another role keeps the tokens; who gets no password has none any more.
        let (scope, password) = (Some(vec!["S001".to_owned()]), Some("correct horse battery"));
        again.set("anna", Role::Viewer, scope.clone(), password).unwrap();
        assert!(again.of_token(&hashed(&token)).is_some() && again.password_of("anna").is_some());
        again.set("anna", Role::Viewer, scope, None).unwrap();
        assert!(again.of_token(&hashed(&token)).is_some() && again.password_of("anna").is_none());
        again
            .add_token("anna", "old", 0)
            .map(|old| assert!(again.of_token(&hashed(&old)).is_none()))
            .unwrap();
        assert!(users.renewed(&folder).is_some());
        assert!(
            again.remove_token("anna", "till").unwrap()
                && again.of_token(&hashed(&token)).is_none()
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Users::open(&folder).unwrap_err().code(), "users");
        assert!(again.remove("anna").unwrap() && !again.remove("anna").unwrap());
    }
}
