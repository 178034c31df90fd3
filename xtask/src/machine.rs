//! What a measured number depends on: the machine. A figure that cannot be read is unknown, never
//! guessed.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    cpu_model: Option<String>,
    /// The cores that this process may use.
    cores: Option<usize>,
    memory_bytes: Option<u64>,
    /// That of the folder in which the data of the benches lies.
    file_system: Option<String>,
}

impl Machine {
    pub(crate) fn read(data: &Path) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cpu_model: cpu_model(&cpu),
            cores: thread::available_parallelism().ok().map(Into::into),
            memory_bytes: memory_bytes(&memory),
            file_system: file_system(data),
        }
    }

    /// One line for the head of a table.
    pub(crate) fn line(&self) -> String {
        let model = self.cpu_model.as_deref().unwrap_or("CPU model unknown");
        let cores = self.cores.map_or("cores unknown".to_owned(), |cores| match cores {
            1 => "1 core".to_owned(),
            more => format!("{more} cores"),
        });
        let memory = self.memory_bytes.map_or("memory unknown".to_owned(), |bytes| {
            format!("{:.1} GiB of memory", bytes as f64 / f64::from(1_u32 << 30))
        });
        let file_system = self.file_system.as_deref().unwrap_or("file system unknown");
        format!("{model}, {cores}, {memory}, {file_system}")
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "cpu_model": self.cpu_model,
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "file_system": self.file_system,
        })
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn file_system(dir: &Path) -> Option<String> {
    let output = Command::new("df").arg("--output=fstype").arg(dir).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1).map(|line| line.trim().to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        let cpu = "processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\nprocessor\t: 1\n";
        assert_eq!(cpu_model(cpu).as_deref(), Some("Fast CPU @ 3 GHz"));
        assert_eq!(memory_bytes("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2_097_152));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let machine = Machine {
            cpu_model: cpu_model(""),
            cores: None,
            memory_bytes: memory_bytes("x"),
            file_system: file_system(Path::new("no/such/folder")),
        };
        assert_eq!(
            machine.line(),
            "CPU model unknown, cores unknown, memory unknown, file system unknown"
        );
        assert_eq!(machine.json()["cores"], Value::Null);
    }
}
