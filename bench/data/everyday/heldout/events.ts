type Listener<T> = (payload: T) => void;

export class Emitter<T> {
  private listeners = new Set<Listener<T>>();

  on(listener: Listener<T>): () => void {
    this.listeners.add(listener);
    return () => this.off(⟦listener⟧);
  }

  off(listener: Listener<T>): void {
    ⟦this.listeners.delete(listener);⟧
  }

  once(listener: Listener<T>): void {
    const off = this.on((payload) => {
      off();
      listener(payload);
    });
  }

  emit(payload: T): void {
    for (const listener of [...this.listeners]) {
      listener(payload);
    }
  }
}
