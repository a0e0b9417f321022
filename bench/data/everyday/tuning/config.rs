use std::collections::HashMap;
use std::fs;
use std::io;

pub struct Config {
    values: HashMap<String, String>,
}

impl Config {
    pub fn load(path: &str) -> io::Result<Config> {
        let text = fs::read_to_string(⟦path⟧)?;
        let mut values = HashMap::new();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((key, value)) = line.split_once('=') {
                ⟦values.insert(key.trim().to_string(), value.trim().to_string());⟧
            }
        }
        Ok(Config { values })
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_str())
    }
}
