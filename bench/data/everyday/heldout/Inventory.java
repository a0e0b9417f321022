package store;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class Inventory {
    private final Map<String, Integer> stock = ⟦new HashMap<>();⟧

    public void add(String product, int count) {
        stock.merge(product, count, Integer::sum);
    }

    public int count(String product) {
        return stock.getOrDefault(product, 0);
    }

    public boolean take(String product, int count) {
        int left = count(product) - count;
        if (left < 0) {
            return false;
        }
        stock.put(⟦product, left⟧);
        return true;
    }

    public List<String> soldOut() {
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, Integer> entry : stock.entrySet()) {
            if (entry.getValue() == 0) {
                names.add(entry.getKey());
            }
        }
        return names;
    }
}
