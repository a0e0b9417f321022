--- Tells the server where the cursor comes to rest, so that the engine reads ahead what a suggestion there will need.

local api = vim.api
local clients = require('dgemma.client')
local inline = require('dgemma.inline')

local M = {}

local RESTED_MS = 300

local timer = assert(vim.uv.new_timer())
local told ---@type {buf: integer, row: integer}?

--- Within a line nothing is read anew.
local function tell()
  local buf, row = api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1]
  local client = clients.of(buf)
  local is_known = told and told.buf == buf and told.row == row
  if client and not is_known and inline.is_enabled(buf) then
    told = { buf = buf, row = row }
    client:notify('dgemma/didMoveCursor', vim.lsp.util.make_position_params(0, client.offset_encoding))
  end
end

local function moved()
  timer:start(RESTED_MS, 0, vim.schedule_wrap(tell))
end

--- Follows the cursor in a buffer.
---@param buf integer
function M.attach(buf)
  local group = api.nvim_create_augroup('dgemma.cursor.' .. buf, {})
  api.nvim_create_autocmd({ 'BufEnter', 'CursorMoved', 'CursorMovedI' }, {
    group = group,
    buf = buf,
    desc = 'Have the engine read what stands around the cursor',
    callback = moved,
  })
  moved()
end

return M
