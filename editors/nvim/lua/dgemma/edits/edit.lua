--- A suggested edit: one contiguous change of a buffer.

local api = vim.api
local clients = require('dgemma.client')
local hunks = require('dgemma.hunks.hunk')

local M = {}

local NEAR = 2 -- Lines from the cursor; the same as the server's.
local MOST_PIECES = 3 -- More of them in red and green could not be read.

---@class dgemma.Edit
---@field id string
---@field buf integer The one that it changes.
---@field version integer Of that buffer.
---@field row integer Where the change begins.
---@field col integer
---@field hunk dgemma.Hunk What is applied.
---@field pieces dgemma.Hunk[] The same in the smallest pieces.
---@field command lsp.Command What tells the server that it was accepted.

--- Reads an edit of `dgemma/inlineEdit`; nil where it is about another version of its document.
---@param edit table
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return dgemma.Edit?
function M.read(edit, encoding)
  local buf = vim.uri_to_bufnr(edit.textDocument.uri)
  if not api.nvim_buf_is_loaded(buf) or clients.version(buf) ~= edit.textDocument.version then
    return
  end
  local row, col = hunks.place(buf, edit.position, encoding)
  return {
    id = edit.id,
    buf = buf,
    version = edit.textDocument.version,
    row = math.min(row, api.nvim_buf_line_count(buf) - 1),
    col = col,
    hunk = hunks.read(buf, edit, encoding),
    pieces = vim.tbl_map(function(piece)
      return hunks.read(buf, piece, encoding)
    end, edit.hunks),
    command = edit.command,
  }
end

--- Whether the buffer is still what the edit is for.
---@param edit dgemma.Edit
---@return boolean
function M.is_current(edit)
  return api.nvim_buf_is_loaded(edit.buf) and clients.version(edit.buf) == edit.version
end

--- Whether the cursor is where the edit is.
---@param edit dgemma.Edit
---@return boolean
function M.is_near(edit)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  return api.nvim_get_current_buf() == edit.buf
    and row >= edit.hunk.row - NEAR
    and row <= edit.hunk.end_row + NEAR
end

--- What is drawn of it: its pieces where they are few and each stays within a line, else the whole.
---@param edit dgemma.Edit
---@return dgemma.Hunk[]
function M.drawn(edit)
  local within = vim.iter(edit.pieces):all(function(piece)
    return piece.row == piece.end_row and #piece.lines == 1
  end)
  return within and #edit.pieces <= MOST_PIECES and edit.pieces or { edit.hunk }
end

--- How many lines it changes.
---@param edit dgemma.Edit
---@return integer
function M.height(edit)
  local hunk = edit.hunk
  local gone = hunk.end_row - hunk.row + (hunk.end_col > 0 and 1 or 0)
  local come = #hunk.lines - (hunk.lines[#hunk.lines] == '' and 1 or 0)
  return math.max(gone, come)
end

return M
