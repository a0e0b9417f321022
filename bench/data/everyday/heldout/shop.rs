use std::fmt;

#[derive(Debug)]
pub enum Error {
    OutOfStock(String),
    NotEnoughMoney { price: u32, paid: u32 },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::OutOfStock(name) => write!(f, "{} is sold out", name),
            Error::NotEnoughMoney { price, paid } => {
                write!(f, "it costs {}, you paid {}", ⟦price, paid⟧)
            }
        }
    }
}

impl std::error::Error for Error {}

pub struct Product {
    pub name: String,
    pub price: u32,
    pub stock: u32,
}

impl Product {
    pub fn sell(&mut self, paid: u32) -> Result<u32, Error> {
        if self.stock == 0 {
            return Err(Error::OutOfStock(self.name.clone()));
        }
        if paid < ⟦self.price⟧ {
            return Err(Error::NotEnoughMoney { price: self.price, paid });
        }
        self.stock -= 1;
        Ok(paid - self.price)
    }
}
