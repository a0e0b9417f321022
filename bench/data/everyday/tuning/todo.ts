export interface Todo {
  id: number;
  title: string;
  done: boolean;
}

export class TodoList {
  private items: Todo[] = [];
  private nextId = 1;

  add(title: string): Todo {
    const item = { id: this.nextId++, title, done: false };
    this.items.push(⟦item⟧);
    return item;
  }

  find(id: number): Todo | undefined {
    return this.items.find((item) => item.id === id);
  }

  toggle(id: number): void {
    const item = this.find(id);
    if (item) {
      ⟦item.done = !item.done;⟧
    }
  }

  remove(id: number): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  get open(): Todo[] {
    return this.items.filter((item) => !item.done);
  }
}
