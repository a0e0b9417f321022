import { useEffect, useState } from 'react';

interface Props {
  initial?: number;
  onChange?: (value: number) => void;
}

export function Counter({ initial = 0, onChange }: Props) {
  const [value, setValue] = useState(⟦initial⟧);

  useEffect(() => {
    onChange?.(value);
  }, [value, onChange]);

  const increment = () => setValue(value + 1);
  const decrement = () => ⟦setValue(value - 1)⟧;

  return (
    <div className="counter">
      <button onClick={decrement}>-</button>
      <span>{value}</span>
      <button onClick={increment}>+</button>
    </div>
  );
}
