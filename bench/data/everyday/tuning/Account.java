package bank;

import java.math.BigDecimal;

public class Account {
    private final String owner;
    private BigDecimal balance;

    public Account(String owner, BigDecimal balance) {
        this.owner = owner;
        this.balance = ⟦balance⟧;
    }

    public String getOwner() {
        return owner;
    }

    public BigDecimal getBalance() {
        return balance;
    }

    public void deposit(BigDecimal amount) {
        if (amount.signum() <= 0) {
            throw new IllegalArgumentException("amount must be positive");
        }
        balance = balance.add(amount);
    }

    public void withdraw(BigDecimal amount) {
        if (⟦amount.compareTo(balance) > 0⟧) {
            throw new IllegalStateException("not enough money");
        }
        balance = balance.subtract(amount);
    }
}
