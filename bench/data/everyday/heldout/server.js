const express = require('express');

const app = express();
app.use(express.json());

const notes = new Map();
let nextId = 1;

app.get('/notes', (req, res) => {
  res.json([...notes.values()]);
});

app.get('/notes/:id', (req, res) => {
  const note = notes.get(Number(⟦req.params.id⟧));
  if (!note) {
    return res.status(404).json({ error: 'not found' });
  }
  res.json(⟦note⟧);
});

app.post('/notes', (req, res) => {
  const note = { id: nextId++, text: req.body.text };
  notes.set(note.id, note);
  res.status(201).json(note);
});

app.listen(3000, () => {
  console.log('listening on port 3000');
});
