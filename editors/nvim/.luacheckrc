-- Neovim runs LuaJIT; `vim` is its own.
std = "luajit"
globals = { "vim" }
max_line_length = 120
