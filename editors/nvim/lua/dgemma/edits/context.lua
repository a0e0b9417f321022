--- What a request for an edit says: the document, the cursor, the diagnostics.

local api = vim.api
local clients = require('dgemma.client')
local hunks = require('dgemma.hunks.hunk')

local M = {}

local MOST_DIAGNOSTICS = 100

---@param buf integer
---@param row integer
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return lsp.Diagnostic[] # Those nearest to a row.
local function diagnostics_near(buf, row, encoding)
  local last = api.nvim_buf_line_count(buf) - 1
  local found = vim.tbl_filter(function(diagnostic)
    return diagnostic.end_lnum <= last -- Others are about a text that is not there any more.
  end, vim.diagnostic.get(buf))
  table.sort(found, function(a, b)
    return math.abs(a.lnum - row) < math.abs(b.lnum - row)
  end)
  return vim.tbl_map(function(diagnostic)
    return {
      range = {
        start = hunks.position(buf, diagnostic.lnum, diagnostic.col, encoding),
        ['end'] = hunks.position(buf, diagnostic.end_lnum, diagnostic.end_col, encoding),
      },
      message = diagnostic.message,
      severity = diagnostic.severity,
      source = diagnostic.source,
    }
  end, vim.list_slice(found, 1, MOST_DIAGNOSTICS))
end

--- The parameters of `dgemma/inlineEdit` for the present buffer.
---@param client vim.lsp.Client
---@param kind lsp.InlineCompletionTriggerKind
---@return table
function M.params(client, kind)
  local buf = api.nvim_get_current_buf()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local encoding = client.offset_encoding
  return {
    textDocument = clients.document(buf),
    position = hunks.position(buf, row - 1, col, encoding),
    context = { triggerKind = kind, diagnostics = diagnostics_near(buf, row - 1, encoding) },
  }
end

return M
