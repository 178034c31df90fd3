//! A browser without a window, and a program whose pages it looks at. Both end with the test.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::expect_used, clippy::panic, reason = "the helpers of tests fail like tests")]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::prelude::*;

/// How long something may take until it is seen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(25);

/// How a program says where its pages are.
const AT: &str = "the dashboard is at ";
/// How it says that the days before today have passed.
const LIVE: &str = "live from here";

/// The program that is looked at: two stores after three days, at a speed.
fn program(data: &Path, speed: &str, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shelf"));
    command.args(["run", "--plain", "--stores", "2", "--warmup-days", "3", "--speed", speed]);
    command.args(["--listen", listen, "--sql-listen", "off", "--data"]).arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SHELF_") {
            command.env_remove(name);
        }
    }
    command
}

/// A program that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to, a driver ends its browsers too; what does not end is stopped.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        for _ in 0..40 {
            if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running program and a browser that looks at it.
pub(crate) struct Desk {
    pub(crate) url: String,
    pub(crate) browser: WebDriver,
    driver: Running,
    program: RefCell<Option<Running>>,
    speed: String,
    data: TempDir,
}

/// Runs a flow at a desk of its own, at 60 times the speed of the clock.
pub(crate) fn flow(steps: impl AsyncFnOnce(&Desk)) {
    flow_at("60", &[], steps);
}

/// Runs a flow at another speed, with more arguments of the browser.
pub(crate) fn flow_at(speed: &str, arguments: &[&str], steps: impl AsyncFnOnce(&Desk)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let desk = Desk::open(speed, arguments).await;
        steps(&desk).await;
        let Desk { browser, driver, program, data, .. } = desk;
        let _ = browser.quit().await;
        drop((driver, program, data));
    });
}

/// Where the pages are, once the program has said a last word. What it says later is read too.
fn said_at<B: BufRead + Send + 'static>(mut lines: Lines<B>, last: &str) -> String {
    let (mut url, mut said) = (String::new(), String::new());
    while !said.contains(last) {
        said = lines.next().expect("it goes on").expect("a text");
        if let Some(at) = said.strip_prefix(AT) {
            at.trim_end_matches('/').clone_into(&mut url);
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    url
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Desk {
    async fn open(speed: &str, arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut program = program(&data.path().join("data"), speed, "127.0.0.1:0")
            .spawn()
            .expect("the program is built with its tests");
        let said = program.stderr.take().expect("what it says");
        let program = RefCell::new(Some(Running(program)));
        let url = said_at(BufReader::new(said).lines(), LIVE);
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver, which `cargo xtask test` installs");
        let driver = Running(driver);
        let mut wanted = DesiredCapabilities::chrome();
        let usual = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        for argument in usual.iter().chain(arguments) {
            wanted.add_arg(argument).expect("an argument");
        }
        let begun = Instant::now();
        let browser = loop {
            match WebDriver::new(format!("http://127.0.0.1:{port}"), wanted.clone()).await {
                Ok(browser) => break browser,
                Err(error) if begun.elapsed() > PATIENCE => panic!("no browser: {error}"),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        };
        let desk = Self { url, browser, driver, program, speed: speed.to_owned(), data };
        desk.size(1_440, 1_000).await;
        desk
    }

    /// Ends the program and starts it again with its data, at its address and with these settings.
    pub(crate) fn restart(&self, settings: &[(&str, &str)]) {
        drop(self.program.take());
        let listen = self.url.strip_prefix("http://").expect("an address");
        let mut program = program(&self.data.path().join("data"), &self.speed, listen)
            .envs(settings.iter().copied())
            .spawn()
            .expect("the program");
        let said = program.stderr.take().expect("what it says");
        *self.program.borrow_mut() = Some(Running(program));
        assert_eq!(said_at(BufReader::new(said).lines(), AT), self.url);
    }

    pub(crate) async fn size(&self, width: u32, height: u32) {
        self.browser.set_window_rect(0, 0, width, height).await.expect("a size");
    }

    /// Writes the report of the last full day. Returns where it is.
    pub(crate) fn report(&self) -> String {
        let file = self.data.path().join("report.html");
        let mut command = Command::new(env!("CARGO_BIN_EXE_shelf"));
        command.args(["report", "--data"]).arg(self.data.path().join("data"));
        let status = command.arg("-o").arg(&file).status().expect("the program");
        assert!(status.success(), "{status}");
        format!("file://{}", file.display())
    }

    /// Opens a page of the site.
    pub(crate) async fn open_page(&self, path: &str) {
        self.browser.goto(format!("{}{path}", self.url)).await.expect("a page");
    }

    /// What a script returns.
    pub(crate) async fn tell(&self, script: &str) -> Value {
        let told = self.browser.execute(script, Vec::new()).await;
        told.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// What a script returns, as text.
    pub(crate) async fn text(&self, expression: &str) -> String {
        let told = self.tell(&format!("return String({expression})")).await;
        told.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        let begun = Instant::now();
        loop {
            let told = self.browser.execute(format!("return !!({expression})"), Vec::new()).await;
            if told.is_ok_and(|told| told.json() == &Value::Bool(true)) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                let page = self.text("document.title + ' ' + location.href").await;
                panic!("it never came to be that {expression}, on {page}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Opens a page again and again until an expression is true in it. Its scripts have a moment
    /// each time; what is read back from the log takes a while on a busy machine.
    pub(crate) async fn again_until(&self, path: &str, expression: &str) {
        const MOMENT: Duration = Duration::from_secs(2);
        let (begun, mut opened) = (Instant::now(), Instant::now());
        while self.tell(&format!("return !!({expression})")).await != Value::Bool(true) {
            assert!(begun.elapsed() < 3 * PATIENCE, "{path} never came to show {expression}");
            if opened.elapsed() > MOMENT {
                self.open_page(path).await;
                opened = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Clicks the first element of a selector.
    pub(crate) async fn click(&self, selector: &'static str) {
        let found = self.browser.find(By::Css(selector)).await;
        let found = found.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.scroll_into_view().await.expect("a place");
        found.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into the first element of a selector, over what stands there.
    pub(crate) async fn fill(&self, selector: &'static str, text: &str) {
        let found = self.browser.find(By::Css(selector)).await;
        let found = found.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.clear().await.expect("an empty field");
        found.send_keys(text).await.expect("a text");
    }

    /// Types keys where the focus is.
    pub(crate) async fn keys(&self, keys: impl Into<thirtyfour::TypingData>) {
        let active = self.browser.active_element().await.expect("a focus");
        active.send_keys(keys).await.expect("keys");
    }
}

/// Where pictures are written, where somebody asked for them.
pub(crate) fn pictures() -> Option<PathBuf> {
    std::env::var_os("SHELF_PICTURES").map(PathBuf::from)
}
