const BASE_URL = process.env.API_URL || 'http://localhost:3000';

async function request(path, options = {}) {
  const response = await fetch(`${BASE_URL}${path}`, options);
  if (!response.ok) {
    throw new Error(`Request to ${path} failed: ${response.status}`);
  }
  return ⟦response.json()⟧;
}

async function getUser(id) {
  return request(`/users/${id}`);
}

async function getPosts(userId) {
  return request(⟦`/users/${userId}/posts`⟧);
}

async function createUser(user) {
  return request('/users', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(user),
  });
}

module.exports = { getUser, getPosts, createUser };
