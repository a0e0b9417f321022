if vim.g.loaded_dgemma then
  return
end
vim.g.loaded_dgemma = true

if vim.fn.has('nvim-0.12') == 0 then
  local message = 'dgemma needs Neovim 0.12 or newer; it stays off.'
  vim.notify(message, vim.log.levels.WARN)
  return
end

local group = vim.api.nvim_create_augroup('dgemma', {})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  desc = 'Show the suggestions of dgemma-lsp',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'dgemma' then
      require('dgemma').attach(client, event.buf)
    end
  end,
})

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  desc = 'Say once what keeps dgemma-lsp from working',
  callback = function(event)
    if vim.bo[event.buf].buftype == '' and vim.lsp.is_enabled('dgemma') then
      require('dgemma.health').warn()
      return true
    end
  end,
})

vim.api.nvim_create_user_command('Dgemma', function(command)
  require('dgemma.command').run(command)
end, {
  bang = true,
  nargs = '*',
  range = true,
  desc = 'Say how dgemma-lsp fares, or control it',
  complete = function(typed, line, position)
    return require('dgemma.command').complete(typed, line:sub(1, position))
  end,
})

for mode, command in pairs({ n = '<Cmd>Dgemma rewrite<CR>', x = ':Dgemma rewrite<CR>' }) do
  vim.keymap.set(mode, '<Plug>(dgemma-rewrite)', command, { silent = true })
end

vim.lsp.enable('dgemma')
