use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::process;

fn search(pattern: &str, path: &str) -> io::Result<usize> {
    let file = File::open(path)?;
    let reader = BufReader::new(⟦file⟧);
    let mut found = 0;
    for (number, line) in reader.lines().enumerate() {
        let line = line?;
        if line.contains(pattern) {
            println!("{}:{}: {}", path, number + 1, ⟦line⟧);
            found += 1;
        }
    }
    Ok(found)
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() < 3 {
        eprintln!("usage: grep PATTERN FILE...");
        process::exit(2);
    }
    for path in &args[2..] {
        if let Err(error) = search(&args[1], path) {
            eprintln!("{}: {}", path, error);
        }
    }
}
