package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

type Item struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type Server struct {
	items map[int]Item
}

func (s *Server) getItem(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.URL.Query().Get("id"))
	if ⟦err != nil⟧ {
		http.Error(w, "bad id", http.StatusBadRequest)
		return
	}
	item, ok := s.items[id]
	if !ok {
		http.Error(w, "not found", ⟦http.StatusNotFound⟧)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(item)
}
