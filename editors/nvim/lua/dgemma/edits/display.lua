--- Draws a suggested edit: the change itself where it is small and near, else a hint that tells where it is.

local api = vim.api
local edits = require('dgemma.edits.edit')
local preview = require('dgemma.hunks.preview')

local M = {}

local namespace = api.nvim_create_namespace('dgemma.edits')
local HINT = 'DgemmaHint'
local MOST_LINES = 3 -- A larger change is drawn only where the user has gone to see it.

local drawn_in ---@type integer? The buffer.

api.nvim_set_hl(0, HINT, { link = 'DiagnosticHint', default = true })

function M.clear()
  if drawn_in and api.nvim_buf_is_valid(drawn_in) then
    api.nvim_buf_clear_namespace(drawn_in, namespace, 0, -1)
  end
  drawn_in = nil
end

--- Where an edit is, for the hint.
---@param edit dgemma.Edit
---@return string
local function place_of(edit)
  local line = edit.row + 1
  if edit.buf == api.nvim_get_current_buf() then
    return ('at line %d'):format(line)
  end
  return ('in %s:%d'):format(vim.fs.basename(api.nvim_buf_get_name(edit.buf)), line)
end

--- Draws an edit in the present window, in place of what is drawn.
---@param edit dgemma.Edit
---@param visited boolean Whether the user has gone there.
---@param key string? What goes there.
---@return boolean whole Whether it is drawn itself.
function M.draw(edit, visited, key)
  M.clear()
  drawn_in = api.nvim_get_current_buf()
  local whole = edits.is_near(edit) and (visited or edits.height(edit) <= MOST_LINES)
  if whole then
    for _, piece in ipairs(edits.drawn(edit)) do
      preview.draw(edit.buf, namespace, piece)
    end
  else
    local row = api.nvim_win_get_cursor(0)[1] - 1
    local name = key and (' (%s)'):format(key:gsub('^<(.*)>$', '%1')) or ''
    api.nvim_buf_set_extmark(0, namespace, row, 0, {
      virt_text = { { ('→ edit %s%s'):format(place_of(edit), name), HINT } },
      virt_text_pos = 'eol',
      hl_mode = 'combine',
    })
  end
  return whole
end

return M
