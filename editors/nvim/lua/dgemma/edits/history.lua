--- Whether a buffer's text has got to where it is by a change, and not by undoing or redoing one.

local M = {}

---@class dgemma.UndoState
---@field last integer The number of the newest change.
---@field present integer Of the one whose text is there.

local seen = {} ---@type table<integer, dgemma.UndoState> By buffer.

--- Looks at a buffer. Returns false where its changes since the last look were undone or redone.
---@param buf integer
---@return boolean
function M.look(buf)
  local tree = vim.fn.undotree(buf)
  local before, now = seen[buf], { last = tree.seq_last, present = tree.seq_cur }
  seen[buf] = now
  if now.present ~= now.last then
    return false
  end
  -- A redo gets to the newest change, too, but makes none that is newer.
  return not before or now.last > before.last or now.present == before.present
end

return M
