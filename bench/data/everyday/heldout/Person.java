package people;

import java.util.Objects;

public final class Person implements Comparable<Person> {
    private final String name;
    private final int age;

    public Person(String name, int age) {
        this.name = Objects.requireNonNull(name);
        this.age = age;
    }

    public String getName() {
        return ⟦name;⟧
    }

    public int getAge() {
        return age;
    }

    @Override
    public int compareTo(Person other) {
        return ⟦name.compareTo(other.name);⟧
    }

    @Override
    public boolean equals(Object object) {
        if (!(object instanceof Person)) {
            return false;
        }
        Person other = (Person) object;
        return name.equals(other.name) && age == other.age;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, age);
    }
}
