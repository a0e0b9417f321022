use std::io::{self, Write};

fn read_line(prompt: &str) -> io::Result<String> {
    print!("{}", prompt);
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(⟦&mut line⟧)?;
    Ok(line.trim().to_string())
}

fn main() -> io::Result<()> {
    let secret = 42;
    let mut tries = 0;
    loop {
        let guess = match read_line("Your guess: ")?.parse::<i32>() {
            Ok(number) => number,
            Err(_) => {
                println!("That is not a number.");
                continue;
            }
        };
        ⟦tries += 1;⟧
        if guess < secret {
            println!("Too small.");
        } else if guess > secret {
            println!("Too big.");
        } else {
            println!("Right after {} tries!", tries);
            return Ok(());
        }
    }
}
